import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import type { Acme } from '../acme/open-acme.ts'

const firstWaitMs = 50
const waitMsMax = 5_000
/** A CA may ask for more patience, within reason. */
const askedWaitMsMax = 60_000
const allMsMax = 10 * 60_000

export interface Polled<Thing> {
  url: string
  ask(url: string): Promise<Thing>
  isSettled(thing: Thing): boolean
  signal: AbortSignal
  /** As the CA has just answered it, at `from`. */
  known?: { thing: Thing; from: string }
}

/** Asks for what is at the URL until it is settled, as often as the CA likes to be asked. Throws `step_timeout`. */
export async function poll<Thing>(
  acme: Pick<Acme, 'waitOf'>,
  { url, ask, isSettled, signal, known }: Polled<Thing>,
): Promise<Thing> {
  const startedAt = performance.now()
  let { thing, from } = known ?? { thing: await ask(url), from: url }
  for (let waitMs = firstWaitMs; !isSettled(thing); waitMs = Math.min(waitMs * 2, waitMsMax)) {
    const asked = Math.min((acme.waitOf(from) ?? 0) * 1_000, askedWaitMsMax)
    const nextMs = Math.max(waitMs, asked)
    if (performance.now() - startedAt + nextMs > allMsMax)
      throw new AppError('step_timeout', 'The certificate authority did not come to an end in 10 minutes.')
    await delay(nextMs, undefined, { signal })
    thing = await ask(url)
    from = url
  }
  return thing
}
