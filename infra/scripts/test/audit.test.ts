import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '@opsconductor/test-peers'
import pg from 'pg'
import { createAccessLog } from '../../../services/secrets-broker/src/access-log/access-log.ts'

let database: TestDatabase
let owner: pg.Pool
const directory = mkdtempSync(join(tmpdir(), 'audit-'))
const exported = join(directory, 'log.jsonl')
const project = '6f3c1a52-9d0e-4c8e-9a55-2b1f6f0c7d11'

beforeAll(async () => {
  database = await createTestDatabase()
  owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 })
  const log = createAccessLog(owner)
  const access = { purpose: 'ssh', type: 'read', by: 'executor', from: '::ffff:127.0.0.1' } as const
  // More than one page of what is read at once.
  const many = Array.from({ length: 2_100 }, (_, i) => ({ ...access, host: `h${i}` }))
  await log.append(...many, { ...access, host: 'of a project', projectId: project })
})
afterAll(async () => {
  await owner.end()
  await database.drop()
  rmSync(directory, { recursive: true })
})

/** The script as `npm run audit:…` starts it. */
function run(script: string, parameters: string[] = [], url = database.ownerUrl) {
  const file = fileURLToPath(new URL(`../${script}.ts`, import.meta.url))
  const environment = { ...process.env, DATABASE_URL: url, NODE_OPTIONS: '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...parameters], {
    env: environment,
    encoding: 'utf8',
    timeout: 20_000,
    maxBuffer: 64_000_000,
  })
  return { status, out: stdout.trim(), error: stderr }
}

test('000.46 audit:verify says how many rows are as they were written, and the head, which it finds again later', async () => {
  const first = run('audit-verify', [], database.urlOf('secrets-broker'))
  expect(first).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^2101 rows verified, head 2101:[\da-f]{64}$/),
  })
  const [, head] = /head (\S+)/.exec(first.out) ?? []
  await createAccessLog(owner).append({ host: 'later', purpose: 'ssh', type: 'read', by: 'x', from: '' })
  expect(run('audit-verify', ['--expect-head', head as string])).toMatchObject({ status: 0 })
  expect(run('audit-verify', ['--expect-head', `2100:${'ab'.repeat(32)}`])).toMatchObject({
    status: 1,
    out: expect.stringMatching(/^row 2100: rewritten/),
  })
})

test('000.46 audit:verify names the first broken row and ends with 1', async () => {
  await owner.query("UPDATE secrets.credential_access_log SET host = 'other' WHERE id IN (1500, 2050)")
  try {
    expect(run('audit-verify')).toMatchObject({
      status: 1,
      out: expect.stringMatching(/^row 1500: changed: /),
    })
  } finally {
    await owner.query(
      "UPDATE secrets.credential_access_log SET host = 'h' || id - 1 WHERE id IN (1500, 2050)",
    )
  }
  expect(run('audit-verify').status).toBe(0)
})

test('000.46 audit:export writes every row, is itself logged first, and what it wrote can be verified without the database', () => {
  const { status, out } = run('audit-export')
  const lines = out.split('\n').map((line) => JSON.parse(line))
  expect(status).toBe(0)
  expect(lines[0]).toMatchObject({ verifiable: true, filter: {}, head: { id: String(lines.length - 1) } })
  expect(lines.at(-1)).toMatchObject({ access_type: 'read', accessed_by: 'operator', reason: 'export' })
  writeFileSync(exported, `${out}\n`)
  const nowhere = 'postgresql://x:y@127.0.0.1:1/z'
  const verified = run('audit-verify', ['--file', exported], nowhere)
  expect(verified).toMatchObject({
    status: 0,
    out: `${lines.length - 1} rows verified, head ${lines.length - 1}:${lines[0].head.chain_hash}`,
  })
})

test('000.46 an export that somebody worked on, or that is no whole one, is refused', () => {
  const text = readFileSync(exported, 'utf8')
  const lines = text.trimEnd().split('\n')
  const verdict = (changed: string) => {
    const file = join(directory, 'changed.jsonl')
    writeFileSync(file, changed)
    const { status, out, error } = run('audit-verify', ['--file', file])
    return `${status} ${out}${error}`
  }
  expect(verdict(text.replace('"h7"', '"h8"'))).toMatch(/^1 row 8: changed/)
  expect(verdict(lines.toSpliced(9, 1).join('\n'))).toMatch(/^1 row 9: missing/)
  expect(verdict(lines.slice(0, -2).join('\n'))).toMatch(/^1 row \d+: cut off/)
  expect(verdict(lines.with(3, 'oops').join('\n'))).toMatch(/^2 .*line 4 of the file is no row/)
  expect(verdict('')).toMatch(/^2 .*is no export of the access log/)
  const part = run('audit-export', ['--project', project])
  expect(part.out.split('\n')).toHaveLength(3)
  expect(part.out).toContain('of a project')
  expect(verdict(part.out)).toMatch(/^2 .*only a part of the log/)
  const future = run('audit-export', ['--since', '2999-01-01T00:00:00Z'])
  expect(future.out.split('\n')).toHaveLength(1)
})

test.each([
  ['audit-verify', ['--expect-head', '12'], 2, '<id>:<64 hex digits>'],
  ['audit-verify', [], 2, 'audit:verify: '],
  ['audit-export', ['--since', 'soon'], 1, '--since'],
  ['audit-export', ['--project', 'x'], 1, '--project'],
])('%s %j ends with %i and says why it cannot work', (script, parameters, status, words) => {
  const nowhere = 'postgresql://x:y@127.0.0.1:1/z'
  expect(run(script, parameters, nowhere)).toMatchObject({ status, error: expect.stringContaining(words) })
})
