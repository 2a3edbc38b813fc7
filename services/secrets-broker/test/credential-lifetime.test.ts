import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { credentialTopics } from '@opsconductor/contracts'
import { listenForEvents } from '@opsconductor/events'
import { purgeCredentials } from '../src/credentials/purge-credentials.ts'
import { broker, call, create, dayMs, inDays, project, secretsOf, useBroker } from './credential-calls.ts'

useBroker()

async function changesDuring(work: () => Promise<unknown>): Promise<string[]> {
  const keys: string[] = []
  const end = randomUUID()
  let ready = () => {}
  let ended = () => {}
  const listening = new Promise<void>((resolve) => {
    ready = resolve
  })
  const done = new Promise<void>((resolve) => {
    ended = resolve
  })
  const listener = listenForEvents({
    connectionString: broker.config.DATABASE_URL,
    onEvent({ topic, key }) {
      if (key === end) ended()
      else if (topic === credentialTopics.credentialChanged) keys.push(key)
    },
    onGap: ready,
    onError() {},
  })
  await listening
  await work()
  await broker.owner.query(`SELECT pg_notify('opsconductor_events', $1)`, [
    JSON.stringify({ topic: 'test', key: end }),
  ])
  await done
  await listener.stop()
  return keys
}

test('001.05 a deleted credential is restored with its versions; its name may have been taken meanwhile', async () => {
  const { id, name } = await create()
  await call('PUT', `/${id}`, { secret: 'second-secret' })
  expect((await call('POST', `/${id}/restore`, {})).status).toBe(404)
  await call('DELETE', `/${id}`)
  const other = await create({ name })
  const taken = await call('POST', `/${id}/restore`)
  expect([taken.status, taken.body.errors[0]?.path]).toEqual([409, 'body.name'])
  const renamed = await call('POST', `/${id}/restore`, { name: `${name} again` })
  expect(renamed.body).toMatchObject({
    id,
    name: `${name} again`,
    version: 2,
    is_active: true,
    deleted_at: null,
  })
  await call('DELETE', `/${other.id}`)
  expect((await call('POST', `/${other.id}/restore`)).body).toMatchObject({ id: other.id, name })
  expect(await secretsOf(id)).toEqual({ 1: { password: 'first-secret' }, 2: { password: 'second-secret' } })
})

test('001.02 deleted ones are listed for who may restore them, and for nobody else', async () => {
  const { id } = await create()
  await call('DELETE', `/${id}`)
  const { status, body } = await call('GET', '?deleted=true&limit=1')
  expect([status, body.items]).toEqual([
    200,
    [expect.objectContaining({ id, deleted_at: expect.any(String) })],
  ])
  const { token } = await broker.people.createUser({ role: 'operator', projectId: project.projectId })
  const asOperator = { authorization: `Bearer ${token}` }
  expect((await broker.api('GET', '/api/credentials?deleted=true', asOperator)).status).toBe(403)
  expect((await broker.api('GET', '/api/credentials?deleted=false', asOperator)).status).toBe(200)
})

test('001.02 the list is filtered by is_active and by what expires within so many days', async () => {
  const { asOwner } = await broker.createProject()
  const add = (name: string, more: object) =>
    broker.api('POST', '/api/credentials', asOwner, {
      name,
      type: 'bearer_token',
      secret: 'tok-0123456789',
      ...more,
    })
  await add('never', {})
  await add('soon', { expires_at: inDays(3) })
  await add('later', { expires_at: inDays(20) })
  await add('off', { is_active: false })
  const namesOf = async (query: string) =>
    (await broker.api('GET', `/api/credentials?${query}`, asOwner)).body.items.map(({ name }) => name)
  expect(await namesOf('is_active=false')).toEqual(['off'])
  expect(await namesOf('expiring_within_days=7')).toEqual(['soon'])
  expect(await namesOf('expiring_within_days=30&is_active=true')).toEqual(['later', 'soon'])
  expect(await namesOf('expiring_within_days=0')).toEqual([])
  for (const wrong of ['is_active=yes', 'expiring_within_days=-1', 'expiring_within_days=x', 'deleted=1'])
    expect((await broker.api('GET', `/api/credentials?${wrong}`, asOwner)).status).toBe(400)
})

test('001.05 what was deleted long ago is purged with its versions, each with a row in the access log', async () => {
  const [old, recent, live] = [await create(), await create(), await create()]
  await call('PUT', `/${old.id}`, { secret: 'second-secret' })
  for (const { id } of [old, recent]) await call('DELETE', `/${id}`)
  await broker.owner.query(
    `UPDATE secrets.credentials SET deleted_at = CURRENT_TIMESTAMP - interval '31 days' WHERE id = $1`,
    [old.id],
  )
  const changed = await changesDuring(async () => expect(await purgeCredentials(broker.deps)).toBe(1))
  expect(changed).toEqual([old.id])
  expect(await secretsOf(old.id)).toEqual({})
  expect((await call('POST', `/${old.id}/restore`)).status).toBe(404)
  expect((await broker.accessLog()).filter(({ reason }) => reason === 'purge')).toEqual([
    expect.objectContaining({
      access_type: 'delete',
      host: old.name,
      credential_uuid: old.id,
      accessed_by: 'secrets-broker',
      success: true,
    }),
  ])
  expect((await call('POST', `/${recent.id}/restore`)).status).toBe(200)
  expect((await call('GET', `/${live.id}`)).status).toBe(200)
  expect(await purgeCredentials(broker.deps)).toBe(0)
})

test('a purge goes on over many batches, and one whose access cannot be logged takes nothing', async () => {
  await broker.owner.query(
    `INSERT INTO secrets.credentials (id, project_id, name, type, secret_encrypted, key_id, deleted_at)
     SELECT gen_random_uuid(), $1, 'old ' || n, 'bearer_token', 'x', 'x', CURRENT_TIMESTAMP - interval '60 days'
     FROM generate_series(1, 230) AS n`,
    [project.projectId],
  )
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    await expect(purgeCredentials(broker.deps)).rejects.toThrow()
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
  const counts = await Promise.all([purgeCredentials(broker.deps), purgeCredentials(broker.deps)])
  expect(counts[0] + counts[1]).toBe(230)
})

test('each change tells the other processes which credential it was, when it is committed', async () => {
  let id = ''
  const changed = await changesDuring(async () => {
    id = (await create()).id
    await call('PUT', `/${id}`, { secret: 'second-secret' })
    await call('PUT', `/${id}`, { secret: 'x' })
    await call('POST', `/${id}/rollback`, { version: 1 })
    await call('DELETE', `/${id}`)
    await call('POST', `/${id}/restore`)
  })
  expect(changed).toEqual([id, id, id, id, id])
})

function use(id: string) {
  const steps = [{ id: 's', type: 'http.get', credentials: [id] }]
  const { project_id, run_id } = broker.executor.add({ project_id: project.projectId, steps })
  const request = { project_id, run_id, step_id: 's' }
  return broker.internal('POST', `/internal/secrets/credentials/${id}/use`, request)
}

test('003.25 an expired credential is not lent, and the try is logged; with a new secret it is not expired any more', async () => {
  const { id } = await create({ expires_at: inDays(1) })
  broker.deps.now = () => new Date(Date.now() + 2 * dayMs)
  const { status, body } = await use(id)
  expect([status, body.code]).toEqual([409, 'credential_expired'])
  expect((await broker.accessLog()).at(-1)).toMatchObject({
    access_type: 'read',
    success: false,
    credential_uuid: id,
    error_message: expect.stringContaining('expired'),
  })
  const rotated = await call('PUT', `/${id}`, { secret: 'second-secret' })
  expect([rotated.status, rotated.body.expires_at]).toEqual([200, null])
  expect((await use(id)).body.secret).toEqual({ password: 'second-secret' })
})

test('003.25 the date of the next rotation follows the secret, not other changes', async () => {
  const created = await create({ rotate_every_days: 90 })
  expect(created.rotation_due_at).toBe(inDays(90, Date.parse(created.rotated_at as string)))
  const later = new Date(Date.now() + 10 * dayMs)
  broker.deps.now = () => later
  const renamed = await call('PUT', `/${created.id}`, { extra: { username: 'writer' } })
  expect(renamed.body.rotation_due_at).toBe(created.rotation_due_at)
  const rotated = await call('PUT', `/${created.id}`, { secret: 'second-secret' })
  expect([rotated.body.rotated_at, rotated.body.rotation_due_at]).toEqual([
    later.toISOString(),
    inDays(90, later.getTime()),
  ])
})

test('an expiry that is given up is the secret’s own, and an extra that changes keeps the one that was given', async () => {
  const given = inDays(5)
  const { id } = await create({ expires_at: given })
  expect((await call('PUT', `/${id}`, { extra: { username: 'writer' } })).body.expires_at).toBe(given)
  expect((await call('PUT', `/${id}`, { expires_at: null })).body).toMatchObject({
    expires_at: null,
    version: 2,
  })
})

function makeCertificate(days: number, key: string) {
  const file = join(mkdtempSync(join(tmpdir(), 'x509-')), 'key.pem')
  writeFileSync(file, key)
  const subject = ['-subj', '/CN=client', '-days', String(days), '-addext', 'basicConstraints=CA:FALSE']
  const certificate = execFileSync('openssl', ['req', '-x509', '-new', '-key', file, ...subject], {
    encoding: 'utf8',
  })
  rmSync(dirname(file), { recursive: true })
  return certificate
}
const makeKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
const columnsOf = async (id: string) => {
  const { rows } = await broker.owner.query(
    'SELECT certificate, certificate_chain, certificate_format, certificate_expires_at FROM secrets.credentials WHERE id = $1',
    [id],
  )
  return rows[0]
}

test('000.22 a certificate is kept in its four columns, shown without its key, lent with it, renewed and rolled back', async () => {
  const key = makeKey()
  const [first, renewed] = [makeCertificate(10, key), makeCertificate(100, key)]
  const created = await create({ type: 'x509', secret: { private_key: key }, extra: { certificate: first } })
  const endsAt = new X509Certificate(first).validToDate
  const shown = {
    certificate: first,
    certificate_chain: null,
    certificate_format: 'pem',
    certificate_expires_at: endsAt.toISOString(),
  }
  expect([created.certificate, created.expires_at]).toEqual([shown, endsAt.toISOString()])
  expect(await columnsOf(created.id)).toEqual({ ...shown, certificate_expires_at: endsAt })
  const listed = (await call('GET', `?name=${encodeURIComponent(created.name)}`)).body.items[0]
  expect(listed?.certificate).toEqual({
    certificate_format: 'pem',
    certificate_expires_at: endsAt.toISOString(),
  })
  const lent = await use(created.id)
  expect([lent.body.secret, lent.body.extra]).toEqual([{ private_key: key }, { certificate: first }])

  const changed = await call('PUT', `/${created.id}`, { extra: { certificate: renewed } })
  expect(changed.body).toMatchObject({ version: 2, certificate: { certificate: renewed } })
  expect(changed.body.expires_at).toBe(new X509Certificate(renewed).validToDate.toISOString())
  const rolledBack = await call('POST', `/${created.id}/rollback`, { version: 1 })
  expect(rolledBack.body).toMatchObject({ version: 3, certificate: shown, expires_at: endsAt.toISOString() })
  const sooner = await call('PUT', `/${created.id}`, { expires_at: inDays(1) })
  expect(sooner.body.version).toBe(3)
  const given = await call('PUT', `/${created.id}`, { expires_at: null })
  expect(given.body).toMatchObject({ version: 3, certificate: shown, expires_at: endsAt.toISOString() })

  const wrongKey = await call('PUT', `/${created.id}`, { secret: { private_key: makeKey() } })
  expect(wrongKey.status).toBe(422)
  const otherKey = makeKey()
  const replaced = await call('PUT', `/${created.id}`, {
    secret: { private_key: otherKey },
    extra: { certificate: makeCertificate(50, otherKey) },
  })
  expect(replaced.body.version).toBe(4)
  expect((await secretsOf(created.id))[4]).toEqual({ private_key: otherKey })
})
