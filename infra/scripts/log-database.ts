import pg from 'pg'
import { StackFault } from '../local/stack-fault.ts'
import { readStackFile } from './running-stack.ts'

/** Runs `work` on the database at DATABASE_URL; without it, on that of the running local stack. */
export async function withLogDatabase<T>(
  environment: NodeJS.ProcessEnv,
  work: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const url = environment.DATABASE_URL ?? stackDatabaseUrl(environment)
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 5_000 })
  pool.on('error', () => {})
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

function stackDatabaseUrl(environment: NodeJS.ProcessEnv): string {
  const url = readStackFile(environment)?.database_url
  if (url === undefined)
    throw new StackFault('no stack is running here: start one with npm start, or set DATABASE_URL')
  return url
}

/** One unchanging view of the log and its head, however long it is read and however much is appended meanwhile. */
export async function withSnapshot<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    return await work(client)
  } finally {
    // Nothing was changed, so ending the connection ends it all.
    client.release(true)
  }
}
