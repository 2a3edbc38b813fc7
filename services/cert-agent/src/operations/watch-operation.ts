import { createHash } from 'node:crypto'
import type { Deps } from '../deps.ts'
import type { StoredOperation } from './store.ts'
import { operationToWire } from './wire.ts'

/** Gateways close what says nothing for a minute. */
const keepAliveMs = 15_000
/** Changes that follow each other faster are told as one. */
const settleMs = 100
/** Then the client asks again, and whether it may is looked at anew. */
const streamMsMax = 30 * 60_000

interface Watching {
  /** When the client has gone. */
  gone: AbortSignal
  /** Last-Event-ID: what the client has is not told again. */
  told: string | undefined
}

/**
 * Server-sent events of one operation: `operation`, with all of it, now and whenever it went on. Ends when the operation
 * does, when the client has gone, when the service stops, or after half an hour.
 */
export async function* watchOperation(
  deps: Pick<Deps, 'operations' | 'watchers' | 'stopping'>,
  first: StoredOperation,
  { gone, told: toldBefore }: Watching,
): AsyncGenerator<Uint8Array> {
  const over = AbortSignal.any([gone, deps.stopping.signal, AbortSignal.timeout(streamMsMax)])
  const bell = createBell(deps.watchers, first.id, over)
  try {
    let told = toldBefore
    // The answer's head goes out with its first bytes.
    if (told === eventIdOf(first)) yield stillHere
    // What went on before the bell was hung up is seen by looking again.
    for (let operation: StoredOperation | undefined = first; operation !== undefined; ) {
      const id = eventIdOf(operation)
      if (id !== told)
        yield encode(`event: operation\nid: ${id}\ndata: ${JSON.stringify(operationToWire(operation))}\n\n`)
      told = id
      if (operation.finishedAt !== null || over.aborted) return
      while (!(await bell.next(keepAliveMs))) yield stillHere
      if (over.aborted) return
      operation = await deps.operations.findById(first.id)
    }
  } finally {
    bell.close()
  }
}

/** The same for the same state. */
export const eventIdOf = (operation: StoredOperation): string =>
  createHash('sha256')
    .update(JSON.stringify(operationToWire(operation)))
    .digest('base64url')
    .slice(0, 22)

const encode = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const stillHere = encode(': still here\n\n')

/** Rings when the operation went on; already rung at the beginning. */
function createBell(watchers: Deps['watchers'], id: string, over: AbortSignal) {
  let isRung = true
  let heardAt = -Infinity
  let wake = () => {}
  const ring = () => {
    isRung = true
    wake()
  }
  const ringers = watchers.get(id) ?? new Set()
  watchers.set(id, ringers.add(ring))
  over.addEventListener('abort', ring)
  return {
    /** True where it rang within `ms`. */
    async next(ms: number): Promise<boolean> {
      if (!isRung) await sleep(ms, (wakeUp) => (wake = wakeUp))
      if (!isRung) return false
      await sleep(over.aborted ? 0 : heardAt + settleMs - performance.now())
      heardAt = performance.now()
      isRung = false
      return true
    },
    close(): void {
      over.removeEventListener('abort', ring)
      ringers.delete(ring)
      if (ringers.size === 0) watchers.delete(id)
    },
  }
}

const sleep = (ms: number, onWake: (wake: () => void) => void = () => {}): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, ms))
    onWake(() => {
      clearTimeout(timer)
      resolve()
    })
  })
