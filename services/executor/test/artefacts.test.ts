import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createRedactor } from '@opsconductor/redact'
import { request } from 'undici'
import { createStepArtefacts } from '../src/artefacts/create-step-artefacts.ts'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

const secret = 'corr3ct-horse-battery-staple'
let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let runId: string

beforeAll(async () => {
  target = await startTarget((received, response) => {
    if (received.url === '/300k') sendJson(response, 'x'.repeat(300 * 1024))
    else sendJson(response, { echo: received.headers, filler: 'y'.repeat(300 * 1024) })
  })
  executor = await startExecutor()
  await executor.open(target.port)
  const job = await createJob(executor, { steps: [{ id: 'a', type: 'set', input: { values: {} } }] })
  runId = (await runToEnd(executor, job.id)).id
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await target?.close()
})

const limits = { artefactBytesMax: 3 * 1024 * 1024, runBytesMax: 5 * 1024 * 1024 }
function artefactsOf(options: { secrets?: string[]; signal?: AbortSignal; runId?: string } = {}) {
  const owner = {
    projectId: executor.projectId,
    runId: options.runId ?? runId,
    stepId: 'a',
    item: '',
    attempt: 1,
  }
  return createStepArtefacts(
    { store: executor.deps.artefacts, limits },
    owner,
    createRedactor(options.secrets ?? []),
    options.signal ?? new AbortController().signal,
  )
}
async function* pieces(...content: (string | Uint8Array)[]) {
  for (const one of content) yield Buffer.from(one)
}
async function textOf(content: AsyncIterable<Uint8Array>) {
  const all: Uint8Array[] = []
  for await (const piece of content) all.push(piece)
  return Buffer.concat(all).toString()
}
const list = async (query = '') => (await executor.call('GET', `/api/runs/${runId}/artefacts${query}`)).body
const rowsLeft = async () =>
  (await executor.deps.pool.query('SELECT FROM executor.artefacts WHERE completed_at IS NULL')).rowCount

async function download(id: string, headers: Record<string, string> = {}, ofRun = runId) {
  const answer = await request(`${executor.publicUrl}/api/runs/${ofRun}/artefacts/${id}`, {
    headers: { authorization: `Bearer ${executor.token}`, ...headers },
  })
  return {
    status: answer.statusCode,
    headers: answer.headers,
    bytes: Buffer.from(await answer.body.arrayBuffer()),
  }
}

test('what a step writes is listed, read by steps of its project, and downloaded byte for byte', async () => {
  const content = Buffer.from(Array.from({ length: 1_300_000 }, (_, i) => (i * 31) & 0xff))
  const written = await artefactsOf().write({
    name: 'backup.tar',
    contentType: 'application/x-tar',
    content: pieces(content.subarray(0, 7), content.subarray(7, 900_000), content.subarray(900_000)),
  })
  expect(written).toMatchObject({
    name: 'backup.tar',
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    redacted: false,
  })
  const { items } = await list()
  expect(items).toEqual([
    { ...written, run_id: runId, step_id: 'a', item: null, attempt: 1, created_at: expect.any(String) },
  ])
  const read = await artefactsOf().read(written.id)
  expect(await textOf(read.content)).toBe(content.toString())
  const answer = await download(written.id)
  expect(answer.bytes.equals(content)).toBe(true)
  expect(answer.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': String(content.length),
    'content-disposition': `attachment; filename="backup.tar"; filename*=UTF-8''backup.tar`,
    'x-content-type-options': 'nosniff',
  })
})

test('the list is in pages', async () => {
  for (const name of ['b', 'c'])
    await artefactsOf().write({ name, contentType: 'text/plain', content: pieces(name) })
  const first = await list('?limit=2')
  expect(first.items.map(({ name }: { name: string }) => name)).toEqual(['backup.tar', 'b'])
  const second = await list(`?limit=2&cursor=${first.next_cursor}`)
  expect(second).toMatchObject({ items: [{ name: 'c' }], next_cursor: null })
})

test('a secret is taken out of the content wherever its pieces end, and out of the name', async () => {
  const written = await artefactsOf({ secrets: [secret] }).write({
    name: `dump ${secret}.sql`,
    contentType: 'text/plain',
    content: pieces(
      'a'.repeat(700_000),
      secret.slice(0, 9),
      secret.slice(9),
      Buffer.from(secret).toString('base64url'),
    ),
  })
  expect(written).toMatchObject({ redacted: true, name: 'dump [redacted].sql' })
  const text = (await download(written.id)).bytes.toString()
  expect(text.slice(700_000)).toBe('[redacted]')
  expect(written.sha256).toBe(createHash('sha256').update(text).digest('hex'))
})

test.each([
  ['fails', 'target_failed', () => failing()],
  ['is larger than an artefact may be', 'larger than 3145728 bytes', () => endless()],
])('nothing is left of content that %s', async (_, message, content) => {
  const before = (await list()).items.length
  const writing = artefactsOf().write({ name: 'x', contentType: 'text/plain', content: content() })
  await expect(writing).rejects.toThrow(message)
  expect((await list()).items).toHaveLength(before)
  expect(await rowsLeft()).toBe(0)
})
async function* failing() {
  yield Buffer.alloc(1_000_000)
  throw new Error('target_failed')
}
async function* endless() {
  for (;;) yield Buffer.alloc(100_000)
}

test('the artefacts of a run are limited together', async () => {
  const job = await createJob(executor, { steps: [{ id: 'a', type: 'set', input: { values: {} } }] })
  const { id } = await runToEnd(executor, job.id)
  const big = () => ({ name: 'x', contentType: 'text/plain', content: pieces(Buffer.alloc(3_000_000)) })
  await artefactsOf({ runId: id }).write(big())
  await expect(artefactsOf({ runId: id }).write(big())).rejects.toThrow("The run's artefacts are larger than")
  expect((await executor.call('GET', `/api/runs/${id}/artefacts`)).body.items).toHaveLength(1)
})

test('a source that hangs does not hold a step that is stopped, and half of it is never seen', async () => {
  const stop = new AbortController()
  const seen = Promise.withResolvers<void>()
  async function* hanging() {
    yield Buffer.alloc(600_000)
    seen.resolve()
    await new Promise(() => {})
  }
  const before = (await list()).items.length
  const writing = artefactsOf({ signal: stop.signal }).write({
    ...{ name: 'x', contentType: 'text/plain', content: hanging() },
  })
  await seen.promise
  while ((await rowsLeft()) === 0) await setImmediate()
  expect((await list()).items).toHaveLength(before)
  stop.abort(new Error('stopped'))
  await expect(writing).rejects.toThrow('stopped')
  expect(await rowsLeft()).toBe(0)
})

test.each([
  ['../../etc/passwd', 'passwd'],
  ['C:\\windows\\x.exe', 'x.exe'],
  ['a"\r\nX-Evil: 1.txt', 'a___X-Evil_ 1.txt'],
  ['..', 'artefact'],
  ['', 'artefact'],
  ['\u202Egnp.exe', '_gnp.exe'],
  ['ü'.repeat(300), 'ü'.repeat(255)],
])('a name %j becomes a plain file name', async (name, plain) => {
  const written = await artefactsOf().write({ name, contentType: 'text/html', content: pieces('<script>') })
  expect(written.name).toBe(plain)
  const { headers } = await download(written.id)
  expect(headers['content-type']).toBe('application/octet-stream')
  expect(headers['content-security-policy']).toContain('sandbox')
  expect(headers['x-evil']).toBeUndefined()
})

test('an artefact is found under its own run and in its own project only', async () => {
  const { id } = await artefactsOf().write({
    name: 'mine',
    contentType: 'text/plain',
    content: pieces('mine'),
  })
  const { token } = await executor.apiKey.createUser({ role: 'admin', projectId: crypto.randomUUID() })
  expect((await download(id, { authorization: `Bearer ${token}` })).status).toBe(404)
  expect((await download(id, {}, crypto.randomUUID())).status).toBe(404)
  await expect(artefactsOf().read('no-id')).rejects.toThrow('no artefact')
  await expect(artefactsOf().read(crypto.randomUUID())).rejects.toThrow('no artefact')
  const owner = { projectId: crypto.randomUUID(), runId, stepId: 'a', item: '', attempt: 1 }
  const elsewhere = createStepArtefacts(
    { store: executor.deps.artefacts, limits },
    owner,
    createRedactor([]),
    new AbortController().signal,
  )
  await expect(elsewhere.read(id)).rejects.toThrow('no artefact')
})

test('a result over 256 KB becomes an artefact without the secrets that were lent, and templates say so', async () => {
  executor.broker.add({
    projectId: executor.projectId,
    name: 'token',
    type: 'bearer_token',
    secret: { token: secret },
  })
  const get = (id: string, path: string) => ({
    ...{ id, type: 'http.get', credential: 'token', input: { url: target.url + path } },
  })
  const job = await createJob(executor, {
    steps: [
      get('echo', '/echo'),
      { id: 'next', type: 'set', input: { values: { file: '{{ steps.echo.artefact.id }}' } } },
      { id: 'wrong', type: 'set', input: { values: { x: '{{ steps.echo.body }}' } } },
    ],
  })
  const run = await runToEnd(executor, job.id)
  expect(run.error.message).toBe(
    'Unknown variable {{ steps.echo.body }}: the result of echo was too large and became an artefact, {{ steps.echo.artefact.id }}.',
  )
  const [echo, next] = run.steps
  expect(echo.output).toMatchObject({
    too_large: true,
    artefact: { name: 'echo.json', id: next.output.file },
  })
  const { bytes, headers } = await download(next.output.file, {}, run.id)
  expect(headers['content-type']).toBe('application/json')
  const result = JSON.parse(bytes.toString())
  expect(result.body.echo.authorization).toBe('Bearer [redacted]')
  expect(bytes.length).toBe(echo.output.artefact.bytes)
  expect(bytes.includes(secret)).toBe(false)
})
