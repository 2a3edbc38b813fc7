import { workflowIdOf } from '@opsconductor/contracts'
import pg from 'pg'
import type { ExecutorUnderTest } from './executor.ts'

/** How a secret may stand in what is kept. */
export const formsOf = (secret: string): string[] => {
  const bytes = Buffer.from(secret)
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, '').slice(0, -1),
    bytes.toString('base64url').slice(0, -1),
    bytes.toString('hex'),
    Buffer.from(`ada:${secret}`).toString('base64').slice(8, -4),
  ]
}

/** Every row and log line of the executor, and the histories and answers of these runs. */
export async function everythingKept(executor: ExecutorUnderTest, runIds: string[]): Promise<string> {
  const kept: string[] = [...executor.lines, ...(await rowsOf(executor))]
  const client = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  for (const id of runIds) {
    const { events } = await client.workflow.getHandle(workflowIdOf(id)).fetchHistory()
    for (const event of events ?? [])
      kept.push(
        JSON.stringify(event, (_, value) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
        ),
      )
    kept.push(JSON.stringify((await executor.call('GET', `/api/runs/${id}`)).body))
  }
  return kept.join('\n')
}

async function rowsOf({ database }: ExecutorUnderTest): Promise<string[]> {
  const owner = new pg.Client({ connectionString: database.ownerUrl })
  await owner.connect()
  try {
    const tables = await owner.query(
      "SELECT table_name FROM information_schema.tables WHERE table_schema = 'executor'",
    )
    const kept: string[] = []
    for (const { table_name } of tables.rows) {
      const { rows } = await owner.query(`SELECT t::text AS row FROM executor.${table_name} t`)
      kept.push(...rows.map(({ row }) => row as string))
    }
    return kept
  } finally {
    await owner.end()
  }
}
