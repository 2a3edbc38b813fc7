import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { connectorsTable } from '@opsconductor/contracts'
import { credKey, executorKey, type RunningBroker, registryKey, startBroker } from '../running-broker.ts'
import { canary, connectorCalls } from './connector-calls.ts'

let broker: RunningBroker
let calls: ReturnType<typeof connectorCalls>
let projectId: string
beforeAll(async () => {
  broker = await startBroker()
  calls = connectorCalls(broker)
  projectId = (await broker.createProject()).projectId
})
afterAll(() => broker.stop())
beforeEach(() => broker.owner.query('TRUNCATE secrets.credential_access_log'))

const use = (id: string) =>
  calls.use(id, { project_id: projectId, run_id: calls.runOf(projectId, id), step_id: 's' })

test('002.12 credentials of a connector’s own are encrypted, and sealing them is in the access log', async () => {
  const id = randomUUID()
  const { status, body, text } = await calls.seal(id, projectId, {
    type: 'http_basic',
    secret: canary,
    extra: { username: 'reader' },
  })
  expect([status, Object.keys(body).sort()]).toEqual([200, ['ciphertext', 'key_id']])
  expect([text, Buffer.from(String(body.ciphertext), 'base64').toString('latin1')].join()).not.toMatch(
    /canary|reader/,
  )
  expect(await broker.accessLog()).toEqual([
    expect.objectContaining({
      host: connectorsTable,
      purpose: 'sealed',
      access_type: 'create',
      accessed_by: 'interface-registry',
      credential_uuid: id,
      project_id: projectId,
      success: true,
    }),
  ])
  expect(broker.logged()).not.toContain(canary)
})

test.each([
  ['an unknown type', { type: 'password', secret: canary }, 'body.type'],
  ['a secret that is too short', { type: 'bearer_token', secret: 'abc' }, 'body.secret'],
  ['a surplus field', { type: 'bearer_token', secret: { token: canary, [canary]: 'x' } }, 'body.secret'],
  ['a missing user name', { type: 'http_basic', secret: canary }, 'body.extra.username'],
  [
    'a copy of a vault, which only a credential of the project has',
    {
      type: 'vault_ref',
      extra: { mode: 'synchronised', vault: 'v', path: 'p', as_type: 'bearer_token' },
    },
    'body.extra.mode',
  ],
  ['a field of another endpoint', { type: 'bearer_token', secret: canary, name: 'x' }, 'body'],
])('%s is refused by its path, quoting nothing', async (_, credential, path) => {
  const { status, body, text } = await calls.seal(randomUUID(), projectId, credential)
  expect([status, body.errors[0]?.path]).toEqual([422, path])
  expect(text + broker.logged()).not.toContain(canary)
})

test('what was sealed for one connector does not open for another, nor for another project', async () => {
  const id = randomUUID()
  const { body } = await calls.seal(id, projectId, { type: 'bearer_token', secret: canary })
  const sealed = body as unknown as { ciphertext: string; key_id: string }
  const moved = calls.connect(projectId, { sealed })
  expect((await use(moved)).body.code).toBe('decryption_failed')
  calls.connect((await broker.createProject()).projectId, { sealed }, { id })
  const { body: swapped, text } = await use(id)
  expect(swapped.code).toBe('decryption_failed')
  expect(text).not.toContain(canary)
})

test('the registry, which keeps what was sealed, cannot open it', async () => {
  const id = randomUUID()
  const { body } = await calls.seal(id, projectId, { type: 'bearer_token', secret: canary })
  const place = { project_id: projectId, table: connectorsTable, id }
  for (const key of [registryKey, executorKey]) {
    const opened = await broker.internal(
      'POST',
      '/internal/secrets/open',
      { ...place, ...body, reason: 'curious' },
      key,
    )
    expect([opened.status, opened.body.errors[0]?.path]).toEqual([422, 'body.table'])
  }
})

test('a certificate of a connector’s own is lent whole, and not any more when it has expired', async () => {
  const { makeCertificate } = await import('../../../../packages/x509/test/make-certificate.ts')
  const { certificatesToPem, keyToPem } = await import('../../../../packages/x509/src/index.ts')
  const identity = makeCertificate('client')
  const certificate = certificatesToPem([identity.certificate])
  const id = await calls.connectOwn(projectId, {
    type: 'x509',
    secret: { private_key: keyToPem(identity.key) },
    extra: { certificate },
  })
  const lent = await use(id)
  expect([lent.status, lent.body.type]).toEqual([200, 'x509'])
  expect((lent.body.extra as { certificate: string }).certificate).toBe(certificate)
  const now = broker.deps.now
  broker.deps.now = () => new Date(Date.now() + 100 * 365 * 86_400_000)
  try {
    expect((await use(id)).body.code).toBe('credential_expired')
  } finally {
    broker.deps.now = now
  }
})

test('002.13 after a rotation of the master key the same sealed text opens: the registry has nothing to write', async () => {
  const id = await calls.connectOwn(projectId)
  const rotation = await broker.internal('POST', '/internal/secrets/keyring/rotations', {
    old_key: credKey,
    new_key: 'the-next-cred-key-for-tests-0123456',
  })
  expect(rotation.status).toBe(200)
  for (let states: string[] = ['running']; states.some((state) => state === 'running'); ) {
    const { body } = await broker.internal('GET', '/internal/secrets/keyring')
    states = (body.rotations as { state: string }[]).map(({ state }) => state)
  }
  const { rows } = await broker.owner.query('SELECT DISTINCT master_key_id FROM secrets.data_keys')
  expect(rows).toHaveLength(1)
  expect((await use(id)).body.secret).toEqual({ token: canary })
})
