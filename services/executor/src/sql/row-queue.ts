import type { Batch, Outcome } from './dialect.ts'

const rowsMax = 1_000
const bytesMax = 4 * 1024 * 1024

/** Turns the rows that a driver pushes into batches that are asked for, and holds the driver back in between. */
export function createRowQueue(driver: { pause(): void; resume(): void; stop(): void | Promise<void> }) {
  let columns: readonly string[] | undefined
  let rows: unknown[][] = []
  let bytes = 0
  let isPaused = false
  let end: { outcome: Outcome } | { error: unknown } | undefined
  let isAnnounced = false
  let wake = () => {}

  function take(): unknown[][] {
    const taken = rows
    rows = []
    bytes = 0
    if (isPaused) {
      isPaused = false
      driver.resume()
    }
    return taken
  }

  return {
    columns(names: readonly string[]) {
      columns = names
    },
    /** `size`: how many bytes it was on the wire. */
    row(values: unknown[], size: number) {
      rows.push(values)
      bytes += size
      if ((rows.length >= rowsMax || bytes >= bytesMax) && !isPaused) {
        isPaused = true
        driver.pause()
      }
      wake()
    },
    end(outcome: Outcome) {
      end ??= { outcome }
      wake()
    },
    fail(error: unknown) {
      end ??= { error }
      wake()
    },
    async *batches(): AsyncGenerator<Batch, Outcome> {
      try {
        for (;;) {
          if (rows.length === 0 && end === undefined)
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          if (columns !== undefined && (rows.length > 0 || !isAnnounced)) {
            isAnnounced = true
            yield { columns, rows: take() }
          }
          if (end === undefined || rows.length > 0) continue
          if ('error' in end) throw end.error
          return end.outcome
        }
      } finally {
        if (end === undefined) await driver.stop()
      }
    },
  }
}
