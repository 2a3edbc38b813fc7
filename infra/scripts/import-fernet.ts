/**
 * Brings over the credentials of a system that kept them as Fernet tokens, as seed 001 did:
 *
 *   psql "$OLD_DATABASE_URL" -Atc 'SELECT row_to_json(c) FROM credentials c' > rows.jsonl
 *   npm run secrets:import-fernet -- --fernet-key-file old-key --dry-run rows.jsonl
 *   npm run secrets:import-fernet -- --fernet-key-file old-key rows.jsonl
 *
 * Each line is { name, type, secret_encrypted, extra?, description?, is_active?, project_id? }; other fields are not
 * looked at. Reads standard input where no file is named. Rows without a project are of `--project`, or of the only
 * project of whoever imports them.
 *
 * Creates them through the public API at OPSCONDUCTOR_URL (or the running local stack's gateway), with OPSCONDUCTOR_TOKEN
 * or OPSCONDUCTOR_API_KEY (scope manage:credentials). Every row is opened before the first is created, and none is
 * created where one does not open. Names that exist are left as they are, so it can be run again. Ends with code 0
 * where every row is there, 1 where one is not, 2 where it could not begin.
 */
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { KeyRefused, parseFernetKey } from '@opsconductor/crypto'
import { request } from 'undici'
import { StackFault } from '../local/stack-fault.ts'
import { type OpenedRow, openOldRows, type RowFault } from './fernet-rows.ts'
import { readStackFile } from './running-stack.ts'

const options = {
  'fernet-key': { type: 'string' },
  'fernet-key-file': { type: 'string' },
  project: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const

const answerTimeoutMs = 30_000

interface Result {
  outcome: 'created' | 'skipped' | 'refused'
  message: string
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof StackFault || error instanceof KeyRefused || isUsageError(error))) throw error
  console.error(`secrets:import-fernet: ${(error as Error).message}`)
  process.exitCode = 2
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const key = parseFernetKey(oldKey(values['fernet-key'], values['fernet-key-file']))
  const api = values['dry-run'] ? undefined : connectToApi(process.env)
  const { rows, faults } = await openOldRows(readLines(positionals[0]), key, values.project)
  for (const fault of faults) console.log(lineOf(fault))
  if (api === undefined || faults.length > 0) {
    console.log(`${rows.length} rows open, ${faults.length} do not. Nothing was created.`)
    return faults.length === 0 ? 0 : 1
  }
  return createAll(api, rows)
}

function oldKey(text: string | undefined, file: string | undefined): string {
  if (text !== undefined) return text
  if (file !== undefined) return readFileSync(file, 'utf8').trim()
  throw new StackFault('give the ORCH_CRED_KEY of old with --fernet-key-file or --fernet-key')
}

async function* readLines(file: string | undefined): AsyncGenerator<string> {
  const input = file === undefined ? process.stdin : createReadStream(file)
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
}

interface Api {
  url: string
  headers: Record<string, string>
}

function connectToApi(environment: NodeJS.ProcessEnv): Api {
  const { OPSCONDUCTOR_TOKEN: token, OPSCONDUCTOR_API_KEY: apiKey } = environment
  const url = environment.OPSCONDUCTOR_URL ?? readStackFile(environment)?.gateway_url
  if (url === undefined)
    throw new StackFault('no stack is running here: start one with npm start, or set OPSCONDUCTOR_URL')
  if (token !== undefined) return { url, headers: { authorization: `Bearer ${token}` } }
  if (apiKey !== undefined) return { url, headers: { 'x-api-key': apiKey } }
  throw new StackFault('OPSCONDUCTOR_TOKEN not set, nor OPSCONDUCTOR_API_KEY')
}

/** One after the other: each is a transaction of its own, so that whatever ends this leaves no half row. */
async function createAll(api: Api, rows: readonly OpenedRow[]): Promise<number> {
  const counts = { created: 0, skipped: 0, refused: 0 }
  for (const row of rows) {
    const { outcome, message } = await createCredential(api, row)
    counts[outcome]++
    console.log(lineOf({ line: row.line, name: row.credential.name, message: `${outcome}${message}` }))
  }
  const { created, skipped, refused } = counts
  console.log(`${rows.length} rows: ${created} created, ${skipped} skipped, ${refused} refused.`)
  return refused === 0 ? 0 : 1
}

async function createCredential({ url, headers }: Api, row: OpenedRow): Promise<Result> {
  try {
    const { statusCode, body } = await request(new URL('/api/credentials', url), {
      method: 'POST',
      headers: {
        ...headers,
        ...(row.projectId === undefined ? {} : { 'x-project-id': row.projectId }),
        'content-type': 'application/json',
      },
      body: JSON.stringify(row.credential),
      headersTimeout: answerTimeoutMs,
      bodyTimeout: answerTimeoutMs,
    })
    const { id, code, detail } = parseAnswer(await body.text())
    if (statusCode === 201) return { outcome: 'created', message: ` as ${id}` }
    if (statusCode === 409) return { outcome: 'skipped', message: ', the project has one of this name' }
    // Errors of the API name fields and quote no values.
    return { outcome: 'refused', message: `: ${[statusCode, code, detail].filter(Boolean).join(' ')}` }
  } catch (error) {
    const { code } = error as { code?: string }
    return { outcome: 'refused', message: `: ${url} does not answer (${code})` }
  }
}

function parseAnswer(text: string): { id?: unknown; code?: unknown; detail?: unknown } {
  try {
    return (JSON.parse(text) as object | null) ?? {}
  } catch {
    return {}
  }
}

function lineOf({ line, name, message }: RowFault): string {
  return `line ${line}${name === undefined ? '' : ` ${JSON.stringify(name)}`}: ${message}`
}

function isUsageError(error: unknown): boolean {
  const code = String((error as { code?: string }).code)
  return code.startsWith('ERR_PARSE_ARGS') || code === 'ENOENT' || code === 'EISDIR' || code === 'EACCES'
}
