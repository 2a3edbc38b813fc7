import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import pg from 'pg'
import type { Platform } from './platform.ts'

/** Everything that the stack's parts have logged, and what its start has printed. */
export function readLogs({ home, start }: Platform): string {
  const directory = join(home, 'logs')
  const texts = readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'))
  return texts.join('\n') + start.output()
}

/** The text of every row, by `schema.table`. */
export async function readTables(databaseUrl: string): Promise<Map<string, string>> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ schema: string; name: string }>(
      "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    const dump = new Map<string, string>()
    for (const { schema, name } of tables) {
      const { rows } = await client.query<{ row: string }>(
        `SELECT t::text AS row FROM ${client.escapeIdentifier(schema)}.${client.escapeIdentifier(name)} t`,
      )
      dump.set(`${schema}.${name}`, rows.map(({ row }) => row).join('\n'))
    }
    return dump
  } finally {
    await client.end()
  }
}

/** Every workflow's history in a namespace, as Temporal's own page would show it. */
export async function readHistories({ stack }: Platform, namespace: string): Promise<string[]> {
  const connection = await Connection.connect({ address: stack.temporal.address })
  const client = new Client({ connection, namespace })
  const histories: string[] = []
  for await (const execution of client.workflow.list()) {
    const history = await client.workflow.getHandle(execution.workflowId).fetchHistory()
    // Payloads are base64 in the history's JSON.
    const decode = (key: string, value: unknown) =>
      key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('latin1') : value
    histories.push(JSON.stringify(history, decode))
  }
  await connection.close()
  return histories
}
