import type { Redactor } from '@opsconductor/redact'
import { toStorable } from '../json-limits.ts'

const progressCharactersMax = 4_096
const writeMsMin = 1_000

/** What a step says of how far it is: in every heartbeat, and in its row at most once a second. */
export function createStepProgress(
  redactor: Pick<Redactor, 'redactJson'>,
  heartbeat: (details: unknown) => void,
  write: (details: unknown) => Promise<void>,
) {
  let writtenAt = Number.NEGATIVE_INFINITY
  return {
    say(details: Record<string, unknown>): void {
      if ((JSON.stringify(details) ?? '').length > progressCharactersMax) return
      const clean = toStorable(redactor.redactJson(details))
      heartbeat(clean)
      if (performance.now() - writtenAt < writeMsMin) return
      writtenAt = performance.now()
      // Lost without harm: the next one, or the step's end, says more.
      write(clean).catch(() => {})
    },
  }
}
