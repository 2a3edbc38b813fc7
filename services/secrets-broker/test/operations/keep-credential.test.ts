import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { certificatesToPem, keyToPem, writePkcs12 } from '@opsconductor/x509'
import { makeCertificate, makeChain } from '../../../../packages/x509/test/make-certificate.ts'
import { certAgentKey, credKey, executorKey, type RunningBroker, startBroker } from '../running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
beforeAll(async () => {
  broker = await startBroker()
  project = await broker.createProject()
})
afterAll(() => broker?.stop())
beforeEach(() => broker.owner.query('TRUNCATE secrets.credential_access_log'))

const operation_id = randomUUID()
const keep = (body: object, key: string | null = certAgentKey) =>
  broker.internal(
    'POST',
    '/internal/secrets/kept-credentials',
    { project_id: project.projectId, operation_id, type: 'x509', extra: {}, ...body },
    key,
  )

/** A key with its certificate and chain, as one PEM text. */
function issue() {
  const { intermediate, leaf } = makeChain()
  const pem = (certificate: typeof leaf.certificate) => certificatesToPem([certificate])
  return {
    key: keyToPem(leaf.key),
    certificate: pem(leaf.certificate),
    chain: pem(intermediate.certificate),
    identity: leaf,
  }
}
const asRequest = ({ key, certificate, chain }: ReturnType<typeof issue>) => ({
  secret: { private_key: key },
  extra: { certificate, certificate_chain: chain },
})
const accountKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
const describeIt = async (id: string) =>
  (await broker.api('GET', `/api/credentials/${id}`, project.asOwner)).body

test('004.11 a key is kept under the id that was asked for, and lent to the operation; the access log names it', async () => {
  const first = issue()
  const credential_id = randomUUID()
  const { status, body } = await keep({ credential_id, name: 'www', ...asRequest(first) })
  expect([status, body]).toEqual([
    200,
    { credential_id, version: 1, certificate: first.certificate, certificate_chain: first.chain },
  ])
  expect(await describeIt(credential_id)).toMatchObject({
    name: 'www',
    type: 'x509',
    description: 'Managed by cert-agent.',
    version: 1,
  })
  expect(await broker.accessLog()).toEqual([
    expect.objectContaining({
      access_type: 'create',
      success: true,
      accessed_by: 'cert-agent',
      reason: `operation ${operation_id}`,
      credential_uuid: credential_id,
      project_id: project.projectId,
    }),
  ])
  const { id } = broker.certAgent.add({ project_id: project.projectId, credentials: [credential_id] })
  const lent = await broker.internal(
    'POST',
    `/internal/secrets/credentials/${credential_id}/use`,
    { project_id: project.projectId, operation_id: id },
    certAgentKey,
  )
  expect(lent.body.secret).toEqual({ private_key: first.key })
})

test('another secret is the next version, the same one is not, and the former one can be had back', async () => {
  const [first, second] = [issue(), issue()]
  const credential_id = randomUUID()
  const versions = []
  for (const each of [first, first, second, second]) {
    const { body } = await keep({ credential_id, name: 'api', ...asRequest(each) })
    versions.push([body.version, body.certificate === each.certificate])
  }
  expect(versions).toEqual([
    [1, true],
    [1, true],
    [2, true],
    [2, true],
  ])
  const listed = await broker.api('GET', `/api/credentials/${credential_id}/versions`, project.asOwner)
  expect(listed.body.items).toHaveLength(2)
  const back = await broker.api('POST', `/api/credentials/${credential_id}/rollback`, project.asOwner, {
    version: 1,
  })
  expect([back.status, (await describeIt(credential_id)).version]).toEqual([200, 3])
})

test('the same request many times at once makes one credential of one version', async () => {
  const credential_id = randomUUID()
  const request = { credential_id, name: 'at once', ...asRequest(issue()) }
  const answers = await Promise.all(Array.from({ length: 6 }, () => keep(request)))
  expect(answers.map(({ status, body }) => [status, body.version])).toEqual(Array(6).fill([200, 1]))
})

test('a name that is taken gets a number, also many times at once and at the greatest length', async () => {
  const name = 'n'.repeat(255)
  const request = { name, type: 'acme_account', extra: { directory_url: 'https://ca.example/directory' } }
  const keepOne = async () => {
    const credential_id = randomUUID()
    const { status } = await keep({ ...request, credential_id, secret: { private_key: accountKey() } })
    return [status, (await describeIt(credential_id)).name]
  }
  expect(await keepOne()).toEqual([200, name])
  expect(await keepOne()).toEqual([200, `${'n'.repeat(251)} (2)`])
  const others = await Promise.all([keepOne(), keepOne(), keepOne()])
  expect(others.map(([, kept]) => String(kept).slice(-4)).sort()).toEqual([' (3)', ' (4)', ' (5)'])
})

test('a PKCS#12 bundle is read, and its certificates are answered in order', async () => {
  const { identity, certificate } = issue()
  const pkcs12 = writePkcs12({
    key: identity.key,
    certificate: identity.certificate,
    passphrase: 'open sesame',
  }).toString('base64')
  const credential_id = randomUUID()
  const request = { credential_id, name: 'imported' }
  const wrong = await keep({ ...request, secret: { pkcs12, passphrase: 'shut sesame' } })
  expect([wrong.status, wrong.body.errors[0]?.path]).toEqual([422, 'body.secret.passphrase'])
  const { status, body } = await keep({ ...request, secret: { pkcs12, passphrase: 'open sesame' } })
  expect([status, body.certificate, body.certificate_chain]).toEqual([200, certificate, null])
})

test('an id of another project’s, or of one that was deleted, is 404 and changes nothing', async () => {
  const credential_id = randomUUID()
  const request = { credential_id, name: 'mine', ...asRequest(issue()) }
  await keep(request)
  const { projectId } = await broker.createProject()
  const other = await keep({ ...request, ...asRequest(issue()), project_id: projectId })
  expect([other.status, other.body.code]).toEqual([404, 'not_found'])
  expect((await broker.accessLog()).slice(1)).toEqual([
    expect.objectContaining({
      ...{
        access_type: 'create',
        success: false,
        project_id: projectId,
        reason: `operation ${operation_id}`,
      },
      error_message: 'A credential of this id was deleted, or is not of this project.',
    }),
  ])
  expect((await describeIt(credential_id)).version).toBe(1)
  await broker.api('DELETE', `/api/credentials/${credential_id}`, project.asOwner)
  for (const dry_run of [true, false]) expect((await keep({ ...request, dry_run })).status).toBe(404)
  expect((await keep({ ...request, project_id: randomUUID(), credential_id: randomUUID() })).status).toBe(404)
})

test('a dry run answers and refuses as keeping does, and keeps nothing', async () => {
  const [first, second] = [issue(), issue()]
  const request = { credential_id: randomUUID(), name: 'tried', dry_run: true }
  const answerOf = ({ certificate, chain }: typeof first, version: number) => ({
    ...{ credential_id: request.credential_id, version, certificate, certificate_chain: chain },
  })
  expect((await keep({ ...request, ...asRequest(first) })).body).toEqual(answerOf(first, 0))
  expect((await describeIt(request.credential_id)).code).toBe('not_found')
  await keep({ ...request, ...asRequest(first), dry_run: false })
  expect((await keep({ ...request, ...asRequest(second) })).body).toEqual(answerOf(second, 1))
  expect((await describeIt(request.credential_id)).version).toBe(1)
  const wrong = await keep({ ...request, ...asRequest(first), secret: { private_key: second.key } })
  expect([wrong.status, wrong.body.errors[0]?.path]).toEqual([422, 'body.extra.certificate'])
  expect(wrong.text).not.toContain(second.key.split('\n')[1])
  const account = { type: 'acme_account', extra: { directory_url: 'https://ca.example/directory' } }
  const other = await keep({ ...request, ...account, secret: { private_key: accountKey() } })
  expect([other.status, other.body.code]).toEqual([409, 'conflict'])
})

test('what is no key, not the certificate’s key, or of another type is refused by its field, and neither quoted nor kept', async () => {
  const [one, other] = [issue(), issue()]
  const credential_id = randomUUID()
  const refused = async (more: object, status: number) => {
    const answer = await keep({ credential_id, name: 'bad', ...asRequest(one), ...more })
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain(one.key.split('\n')[1])
    return answer.body
  }
  expect((await refused({ secret: {} }, 422)).errors[0]?.path).toMatch(/^body\.secret/)
  await refused({ secret: { private_key: other.key } }, 422)
  await refused({ type: 'ssh' }, 422)
  await refused({ extra: { note: 'x' } }, 422)
  expect((await describeIt(credential_id)).code).toBe('not_found')
  const account = { type: 'acme_account', extra: { directory_url: 'https://ca.example/directory' } }
  await keep({ credential_id, name: 'account', ...account, secret: { private_key: accountKey() } })
  expect((await refused({}, 409)).code).toBe('conflict')
})

test('no key is kept without its row, and only cert-agent keeps one', async () => {
  const request = { credential_id: randomUUID(), name: 'unlogged', ...asRequest(issue()) }
  for (const key of [executorKey, null]) expect((await keep(request, key)).status).toBe(403)
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    expect((await keep(request)).status).toBe(503)
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
  expect((await describeIt(request.credential_id)).code).toBe('not_found')
})

test('what is kept goes with a rotation of the master key, and no log line holds a key', async () => {
  const { key, ...issued } = issue()
  const credential_id = randomUUID()
  await keep({ credential_id, name: 'rotated', ...asRequest({ key, ...issued }) })
  const rotations = '/internal/secrets/keyring/rotations'
  await broker.internal('POST', rotations, { old_key: credKey, new_key: 'the-next-cred-key-for-tests-0123' })
  let latest: { state?: string; proof?: { on_other_keys: number } } | undefined
  do {
    const { body } = await broker.internal('GET', '/internal/secrets/keyring')
    latest = (body as { rotations?: (typeof latest)[] }).rotations?.[0]
  } while (latest?.state !== 'completed')
  expect(latest.proof?.on_other_keys).toBe(0)
  const { id } = broker.certAgent.add({ project_id: project.projectId, credentials: [credential_id] })
  const lent = await broker.internal(
    'POST',
    `/internal/secrets/credentials/${credential_id}/use`,
    { project_id: project.projectId, operation_id: id },
    certAgentKey,
  )
  expect(lent.body.secret).toEqual({ private_key: key })
  expect(broker.logged()).not.toContain(key.split('\n')[1])
})

test('a certificate without a chain is kept without one', async () => {
  const { key, certificate } = makeCertificate('alone', { dns: ['alone.example'] })
  const { body } = await keep({
    credential_id: randomUUID(),
    name: 'alone',
    secret: { private_key: keyToPem(key) },
    extra: { certificate: certificatesToPem([certificate]) },
  })
  expect([body.version, body.certificate_chain]).toEqual([1, null])
})
