/**
 * Writes the access log to stdout as JSON Lines, the first of which says what is in it; the export is itself logged.
 *
 *   npm run --silent audit:export > log.jsonl
 *   npm run --silent audit:export -- --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z --project ID > part.jsonl
 *
 * A whole export can be verified (`audit:verify -- --file`), a part cannot.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { createAccessLog } from '../../services/secrets-broker/src/access-log/access-log.ts'
import { exportLines, logExport } from '../../services/secrets-broker/src/access-log/export-log.ts'
import { readRows, selectHead } from '../../services/secrets-broker/src/access-log/store.ts'
import { withLogDatabase, withSnapshot } from './log-database.ts'

const options = {
  since: { type: 'string' },
  until: { type: 'string' },
  project: { type: 'string' },
} as const

try {
  const { values } = parseArgs({ options })
  const filter = {
    since: parseMoment('since', values.since),
    until: parseMoment('until', values.until),
    projectId: parseProject(values.project),
  }
  await withLogDatabase(process.env, async (pool) => {
    await logExport(createAccessLog(pool), 'operator', filter)
    await withSnapshot(pool, async (client) => {
      const lines = exportLines(readRows(client, filter), filter, await selectHead(client), new Date())
      await pipeline(Readable.from(lines), process.stdout)
    })
  })
} catch (error) {
  console.error(`audit:export: ${(error as Error).message}`)
  process.exitCode = 1
}

function parseMoment(name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const moment = new Date(text)
  if (Number.isNaN(moment.getTime())) throw new Error(`--${name} must be a time, as 2026-01-31T00:00:00Z`)
  return moment
}

function parseProject(text: string | undefined): string | undefined {
  if (text !== undefined && !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text))
    throw new Error('--project must be the id of a project')
  return text
}
