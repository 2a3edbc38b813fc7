import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type RunningBroker, startBroker } from './running-broker.ts'

/** Rows of the old system; their tokens were made with Python's cryptography 48.0, under this key. */
const fixture = fileURLToPath(new URL('./fernet-rows.jsonl', import.meta.url))
const fernetKey = 'aW1wb3J0LWZlcm5ldC1maXh0dXJlLWtleS0zMmJ5dGU='
const script = fileURLToPath(new URL('../../../infra/scripts/import-fernet.ts', import.meta.url))

let broker: RunningBroker
let scratch: string
let keyFile: string
beforeAll(async () => {
  broker = await startBroker()
  scratch = mkdtempSync(join(tmpdir(), 'import-fernet-'))
  keyFile = join(scratch, 'key')
  writeFileSync(keyFile, `${fernetKey}\n`)
})
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true })
  await broker.stop()
})

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function runImport(arguments_: string[], { token = '', apiKey = '', input = '' } = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const env = {
      PATH: process.env.PATH,
      OPSCONDUCTOR_HOME: scratch,
      OPSCONDUCTOR_URL: broker.publicUrl,
      ...(token === '' ? {} : { OPSCONDUCTOR_TOKEN: token }),
      ...(apiKey === '' ? {} : { OPSCONDUCTOR_API_KEY: apiKey }),
    }
    const child = execFile(
      process.execPath,
      [script, ...arguments_],
      { env, timeout: 25_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    )
    child.stdin?.end(input)
  })
}

async function createOwner() {
  const { projectId, asOwner } = await broker.createProject()
  return { projectId, asOwner, token: asOwner.authorization.replace('Bearer ', '') }
}

const lend = async (projectId: string, name: string) => {
  const use = broker.executor.useOf(projectId, name)
  const { body } = await broker.internal('POST', `/internal/secrets/credentials/${name}/use`, use)
  return { secret: body.secret, extra: body.extra }
}

const fixtureLines = () => readFileSync(fixture, 'utf8').trim().split('\n')

test('rows of the Fernet system are brought over with their secrets, and a second run creates nothing', async () => {
  const { projectId, asOwner, token } = await createOwner()
  const first = await runImport(['--fernet-key-file', keyFile, fixture], { token })
  expect(first.stderr).toBe('')
  expect(first.stdout).toMatch(/\n8 rows: 8 created, 0 skipped, 0 refused\.\n$/)
  expect(first.code).toBe(0)

  expect(await lend(projectId, 'status page')).toEqual({
    secret: { password: 'fernet-basic-pässwörd' },
    extra: { username: 'status' },
  })
  expect((await lend(projectId, 'reports')).secret).toEqual({
    dsn: 'postgres://reports:fernet-dsn-password@db.example/reports',
  })
  expect(await lend(projectId, 'weather')).toMatchObject({
    secret: { key: 'fernet-api-key' },
    extra: { header_name: 'X-Weather-Key' },
  })
  expect((await lend(projectId, 'web-01')).secret?.private_key).toMatch(
    /^-----BEGIN OPENSSH PRIVATE KEY-----\n/,
  )
  expect((await lend(projectId, 'web-02')).secret).toEqual({ password: 'fernet-ssh-password' })
  expect((await lend(projectId, 'pager')).secret).toEqual({
    account: 'fernet-custom-account',
    token: 'fernet-custom-token',
  })
  expect((await lend(projectId, 'plain')).secret).toEqual({ value: '{not json fernet-custom-text' })
  const { body } = await broker.api('GET', '/api/credentials?name=llm', asOwner)
  expect(body.items[0]).toMatchObject({ type: 'bearer_token', is_active: false, description: null })

  const again = await runImport(['--fernet-key-file', keyFile], {
    token,
    input: readFileSync(fixture, 'utf8'),
  })
  expect([again.code, again.stdout]).toEqual([
    0,
    expect.stringMatching(/\n8 rows: 0 created, 8 skipped, 0 refused\.\n$/),
  ])
  expect(`${first.stdout}${again.stdout}${broker.logged()}`).not.toMatch(
    /fernet-(basic|dsn|api|ssh|custom)|gAAAA/,
  )
})

test('an API key with the scope manage:credentials imports into its project, one without it nothing', async () => {
  const { projectId } = await createOwner()
  const one = fixtureLines()[3] as string
  const scopes = ['manage:credentials']
  const apiKey = broker.people.createKey({ projectId, scopes })
  const weak = broker.people.createKey({ projectId, scopes: ['manage:credentials:read'] })
  const refused = await runImport(['--fernet-key', fernetKey], { apiKey: weak, input: one })
  expect([refused.code, refused.stdout]).toEqual([
    1,
    expect.stringMatching(/refused: 403 .*\n1 rows: 0 created/),
  ])
  const done = await runImport(['--fernet-key', fernetKey], { apiKey, input: one })
  expect([done.code, done.stdout]).toEqual([
    0,
    expect.stringMatching(/^line 1 "weather": created as [0-9a-f-]{36}\n/),
  ])
})

test('where one row does not open none is created, and each fault is named by line and name without its token', async () => {
  const { asOwner, token } = await createOwner()
  const [good = '', ...others] = fixtureLines()
  const change = (line: number, changes: object) =>
    JSON.stringify({ ...JSON.parse(others[line] as string), ...changes })
  const input = [
    good,
    change(0, { secret_encrypted: JSON.parse(good).secret_encrypted.replace(/.{5}$/, 'AAAA=') }),
    'no json at all',
    change(1, { secret_encrypted: 'gAAAAAplainly-wrong' }),
    '',
    change(2, { project_id: 'seven' }),
    change(3, { name: 'status page' }),
    change(4, { secret_encrypted: undefined }),
  ].join('\n')
  for (const dryRun of [[], ['--dry-run']]) {
    const { code, stdout } = await runImport(['--fernet-key', fernetKey, ...dryRun], { token, input })
    expect(stdout).toBe(
      [
        'line 2 "llm": The token could not be authenticated.',
        'line 3: the line must be an object in JSON',
        'line 4 "reports": The token is not base64url.',
        'line 6 "weather": project_id must be a UUID',
        'line 7 "status page": line 1 has the same name in the same project',
        'line 8 "web-02": secret_encrypted must be a text',
        '1 rows open, 6 do not. Nothing was created.\n',
      ].join('\n'),
    )
    expect(code).toBe(1)
  }
  expect((await broker.api('GET', '/api/credentials', asOwner)).body.items).toEqual([])
})

test('a dry run opens every row without anybody being asked, and another key opens none', async () => {
  const dry = await runImport(['--fernet-key-file', keyFile, '--dry-run', fixture])
  expect([dry.code, dry.stdout]).toEqual([0, '8 rows open, 0 do not. Nothing was created.\n'])
  const other = Buffer.alloc(32, 7).toString('base64url').concat('=')
  const wrong = await runImport(['--fernet-key', other, '--dry-run', fixture])
  expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringMatching(/\n0 rows open, 8 do not\./)])
})

test('a row that the API refuses is named with the fields at fault, and the others are created', async () => {
  const { token } = await createOwner()
  const [good = '', second = ''] = fixtureLines()
  const bad = JSON.stringify({
    ...JSON.parse(good),
    name: 'no user',
    extra: { password: 'in-the-wrong-place' },
  })
  const { code, stdout } = await runImport(['--fernet-key', fernetKey], { token, input: `${bad}\n${second}` })
  expect(code).toBe(1)
  expect(stdout).toMatch(
    /^line 1 "no user": refused: 422 validation_failed .*body\.extra.*\nline 2 "llm": created as/,
  )
  expect(stdout).toMatch(/\n2 rows: 1 created, 0 skipped, 1 refused\.\n$/)
  expect(stdout).not.toContain('in-the-wrong-place')
})

test.each([
  ['no Fernet key', ['--dry-run', fixture], /give the ORCH_CRED_KEY of old/],
  ['what is no Fernet key', ['--fernet-key', 'not a key', fixture], /must be 32 bytes in base64url/],
  ['nobody to import as', ['--fernet-key', fernetKey, fixture], /OPSCONDUCTOR_TOKEN not set, nor /],
  ['a file that is not there', ['--fernet-key', fernetKey, '--dry-run', '/nowhere.jsonl'], /no such file/],
  ['an unknown option', ['--fernet-keys', fernetKey], /Unknown option/],
])(
  'with %s it does not begin, and says why in one line that quotes no key',
  async (_case, arguments_, why) => {
    const { code, stdout, stderr } = await runImport(arguments_)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^secrets:import-fernet: [^\n]*\n$/)
    expect(stderr).toMatch(why)
    expect(stderr).not.toContain(fernetKey)
  },
)
