import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { createDatabases } from '../../services/executor/src/sql/databases.ts'
import type { StepTools } from '../../services/executor/src/step-types/define-step-type.ts'
import { sqlQuery } from '../../services/executor/src/step-types/sql-query.ts'
import { accessOf } from '../../services/executor/test/sql/sql-steps.ts'
import { residentBytesOf } from '../local/process-identity.ts'
import { type Latencies, measureInTurns } from './statistics.ts'

const rowCount = 100_000
const rounds = 7
const savedRows = 1_000_000
const rowsOf = (count: number) =>
  `SELECT n AS id, 'customer ' || n AS name, n % 7 = 0 AS active, now() AS seen FROM generate_series(1, ${count}) n`

export interface SqlRowsResult {
  ours: Latencies
  bare: Latencies
  /** How much the process grew at the most while a million rows went into an artefact. */
  grownBytes: number
}

/** `sql.query` of 100,000 rows beside pg alone, on one server; then one of a million rows that become an artefact. */
export async function benchSqlRows(databaseUrl: string): Promise<SqlRowsResult> {
  const databases = createDatabases()
  const pool = new pg.Pool({ connectionString: databaseUrl })
  const ids = { projectId: randomUUID(), credentialId: randomUUID() }
  const tools = {
    withDatabase: (work) =>
      databases.use(
        accessOf(databaseUrl, { ...ids, timeoutMs: 60_000, signal: new AbortController().signal }),
        work,
      ),
    artefacts: { write: async ({ content }) => ({ bytes: await bytesOf(content) }) },
  } as StepTools
  const query = (input: object) => sqlQuery.run(sqlQuery.input.parse(input) as never, tools)
  const queryOurs = () => query({ sql: rowsOf(rowCount), rows_max: rowCount })
  const queryBare = () => pool.query(rowsOf(rowCount))
  try {
    await measureInTurns(1, 2, queryBare, queryOurs)
    const [bare, ours] = await measureInTurns(rounds, 1, queryBare, queryOurs)
    const grownBytes = await growthDuring(() => query({ sql: rowsOf(savedRows), save_as: 'rows' }))
    return { ours, bare, grownBytes }
  } finally {
    await pool.end()
    await databases.close()
  }
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const piece of content) bytes += piece.length
  return bytes
}

async function growthDuring(work: () => Promise<unknown>): Promise<number> {
  const resident = () => residentBytesOf(process.pid) ?? 0
  const before = resident()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, resident())
  }, 20)
  await work()
  clearInterval(watch)
  return most - before
}
