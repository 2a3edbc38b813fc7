import { databaseUnavailable } from '@opsconductor/database'
import type { RecordedStep } from './store.ts'
import { waitMsMax, whileUnavailable } from './while-unavailable.ts'

/** Rows of a run that are written at once; the step that fills them up waits until they are. */
const rowsMax = 20
/** How long a row waits for the run's next ones or its end, and for the database to come back. */
const waitMs = { forOthers: 20, forDatabase: 1_000 }

export interface WriteBehindOptions {
  write(rows: readonly RecordedStep[]): Promise<void>
  /** The database refused the row, or the process ended before the database came back. */
  onNotWritten(row: RecordedStep, error: unknown): void
}

interface Waiting {
  rows: Map<string, RecordedStep>
  timer: NodeJS.Timeout | undefined
  /** One write after another: whoever comes later finds what an earlier one could not write. */
  writing: Promise<void>
}

/**
 * Rows of short steps are written while the run goes on, at the latest with its end. A process that dies at that moment
 * loses the row, never the step's result, which is in the workflow's history or made again.
 */
export function createWriteBehind({ write, onNotWritten }: WriteBehindOptions) {
  const runs = new Map<string, Waiting>()

  function waitingOf(runId: string): Waiting {
    const known = runs.get(runId)
    if (known !== undefined) return known
    const begun: Waiting = { rows: new Map(), timer: undefined, writing: Promise.resolve() }
    runs.set(runId, begun)
    return begun
  }

  /** Writes what waits of the run. Rows that the database is not there for wait on. */
  async function writeOut(runId: string, writeRows: WriteBehindOptions['write']): Promise<void> {
    const waiting = waitingOf(runId)
    clearTimeout(waiting.timer)
    waiting.timer = undefined
    const written = waiting.writing.then(() => writeTaken(waiting, writeRows))
    const writing = written.catch(() => {})
    waiting.writing = writing
    await written.finally(() => {
      if (waiting.rows.size > 0) flushLater(runId, waiting, waitMs.forDatabase)
      else if (waiting.writing === writing) runs.delete(runId)
    })
  }

  async function writeTaken(waiting: Waiting, writeRows: WriteBehindOptions['write']): Promise<void> {
    const taken = [...waiting.rows]
    waiting.rows.clear()
    try {
      await writeRows(taken.map(([, row]) => row))
    } catch (error) {
      if (databaseUnavailable(error) !== undefined) {
        waiting.rows = new Map([...taken, ...waiting.rows])
        throw error
      }
      for (const [, row] of taken) onNotWritten(row, error)
      if (taken.length === 0) throw error
      await writeRows([])
    }
  }

  const flush = (runId: string) =>
    writeOut(runId, async (rows) => {
      if (rows.length > 0) await write(rows)
    })

  function flushLater(runId: string, waiting: Waiting, ms: number): void {
    waiting.timer ??= setTimeout(() => void flush(runId).catch(() => {}), ms)
  }

  return {
    /** Resolves when the run may go on. */
    async add(row: RecordedStep): Promise<void> {
      const waiting = waitingOf(row.runId)
      waiting.rows.set(`${row.idempotencyKey}#${row.attempt}`, row)
      if (waiting.rows.size < rowsMax) return flushLater(row.runId, waiting, waitMs.forOthers)
      const signal = AbortSignal.timeout(waitMsMax)
      await whileUnavailable(() => flush(row.runId), { msMax: waitMsMax, signal }).catch(() => {})
    },
    /** Ends the run by `close`, which is given its rows that are still to be written. */
    close: (runId: string, close: WriteBehindOptions['write']): Promise<void> => writeOut(runId, close),
    /** Before the process ends. */
    async end(): Promise<void> {
      await Promise.all(
        [...runs].map(async ([runId, waiting]) => {
          await flush(runId).catch((error) => {
            for (const row of waiting.rows.values()) onNotWritten(row, error)
          })
          clearTimeout(waiting.timer)
        }),
      )
    },
  }
}

export type WriteBehind = ReturnType<typeof createWriteBehind>
