import type pg from 'pg'
import type { Access } from './access.ts'
import { type ChainedRow, type ChainHead, hashRow, rowAfter } from './chain.ts'
import { appendRows, lockHead, selectHead } from './store.ts'

export interface AccessLog {
  /** Resolves when the rows are durable. What arrives while a commit is under way shares the next one. */
  append(...accesses: readonly Access[]): Promise<void>
  /**
   * Appends in the caller's transaction: the row is there exactly if what was changed in it is. Nobody else appends until
   * it has ended, so it comes last.
   */
  appendIn(client: pg.PoolClient, access: Access): Promise<void>
}

interface Waiting {
  accesses: readonly Access[]
  at: Date
  resolve(): void
  reject(error: unknown): void
}

/** Rows of one commit, give or take what one caller appends at once. */
const batchRowsMax = 500

/** SQLSTATE classes 22 and 23: the data, not the database, is at fault. */
const isDataFault = (error: unknown) => /^2[23]/.test((error as { code?: string }).code ?? '')

/** The access log as a hash chain: each row's hash covers the row before it, so that no row can be changed or taken out. */
export function createAccessLog(pool: pg.Pool, now: () => Date = () => new Date()): AccessLog {
  const waiting: Waiting[] = []
  let head: ChainHead | undefined
  let writing = false

  async function writeWaiting(): Promise<void> {
    if (writing) return
    writing = true
    while (waiting.length > 0) await settle(takeBatch(waiting))
    writing = false
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    try {
      await appendBatch(batch)
      for (const { resolve } of batch) resolve()
    } catch (error) {
      // One row that the table does not take must not keep the others out.
      if (batch.length > 1 && isDataFault(error)) for (const one of batch) await settle([one])
      else for (const { reject } of batch) reject(error)
    }
  }

  async function appendBatch(batch: readonly Waiting[]): Promise<void> {
    for (;;) {
      const from = head ?? (await selectHead(pool))
      // Forgotten until this is written: if it fails, whether it was cannot be known.
      head = undefined
      const { rows, last } = chainAfter(from, batch)
      if (!(await appendRows(pool, from, rows))) continue
      head = last
      return
    }
  }

  return {
    append: (...accesses) =>
      new Promise((resolve, reject) => {
        waiting.push({ accesses, at: now(), resolve, reject })
        // Not before this turn of the event loop is over: what was looked up together is logged together.
        if (waiting.length === 1) setImmediate(writeWaiting)
      }),
    async appendIn(client, access) {
      const from = await lockHead(client)
      const { rows } = chainAfter(from, [{ accesses: [access], at: now() }])
      if (!(await appendRows(client, from, rows)))
        throw new Error('the head of the access log moved under a lock')
    },
  }
}

function takeBatch(waiting: Waiting[]): Waiting[] {
  let rows = 0
  const full = waiting.findIndex(({ accesses }) => {
    rows += accesses.length
    return rows >= batchRowsMax
  })
  return waiting.splice(0, full === -1 ? waiting.length : full + 1)
}

function chainAfter(from: ChainHead, batch: readonly Pick<Waiting, 'accesses' | 'at'>[]) {
  let last = from
  const rows: ChainedRow[] = []
  for (const { accesses, at } of batch)
    for (const access of accesses) {
      const row = rowAfter(last, access, at)
      last = { lastId: BigInt(row.id), hash: hashRow(last.hash, row) }
      rows.push({ ...row, chain_hash: last.hash })
    }
  return { rows, last }
}
