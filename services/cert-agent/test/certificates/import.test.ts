import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTestCertificates } from '@opsconductor/test-peers'
import { addLogin, addServer } from '../servers/support.ts'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'

let agent: AgentUnderTest
const made = createTestCertificates(['shop.example.org'])
const other = createTestCertificates(['other.example.org'])
const pem = `${made.server.key}${made.server.cert}${made.ca}`
let serverId: string
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  addLogin(agent)
  serverId = (await addServer(agent.call)).id
}, 60_000)
afterAll(() => agent?.stop())

const bring = (name: string, fields: object) =>
  agent.call('POST', '/api/certificates/import', { name, ...fields })

/** Files of openssl's, in a folder that is removed. */
function withOpenssl<T>(work: (openssl: (...args: string[]) => void, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'import-'))
  try {
    return work((...args) => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' }), folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const pkcs12Of = (passphrase: string): string =>
  withOpenssl((openssl, folder) => {
    writeFileSync(join(folder, 'all.pem'), pem)
    openssl('pkcs12', '-export', '-in', 'all.pem', '-out', 'all.p12', '-passout', `pass:${passphrase}`)
    return readFileSync(join(folder, 'all.p12')).toString('base64')
  })

test('004.11 a certificate is brought in PEM; its key is with the broker and nowhere else', async () => {
  const { status, headers, body } = await bring('shop', { pem })
  expect(status).toBe(201)
  expect(headers.location).toBe(`/api/certificates/${body.id}`)
  expect(body).toMatchObject({
    ...{ name: 'shop', source: 'import', state: 'valid', version: 1, key_type: 'ec-p256', auto_renew: false },
    names: expect.arrayContaining(['shop.example.org', '127.0.0.1']),
  })
  const line = made.server.key.split('\n')[1] as string
  const { rows } = await agent.owner.query<{ table_name: string }>(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'cert_agent'",
  )
  for (const { table_name } of rows) {
    const { rows: found } = await agent.owner.query(
      `SELECT count(*)::int AS count FROM cert_agent.${table_name} t WHERE t::text LIKE '%' || $1 || '%'`,
      [line],
    )
    expect([table_name, found[0].count]).toEqual([table_name, 0])
  }
  expect(agent.lines.join('')).not.toContain(line)
  expect(agent.broker.credentials.find(({ id }) => id === body.credential_id)?.secret.private_key).toContain(
    'PRIVATE KEY',
  )
})

test('a certificate is brought in PKCS #12', async () => {
  const { status, body } = await bring('bundle', {
    pkcs12: pkcs12Of('open sesame'),
    passphrase: 'open sesame',
  })
  expect([status, body.names?.includes('shop.example.org')]).toEqual([201, true])
})

test('under the same name the next certificate is the next version, and the same one is none', async () => {
  const next = createTestCertificates(['shop.example.org', 'www.shop.example.org'])
  const again = await bring('shop', { pem })
  expect([again.status, again.body.version]).toEqual([201, 1])
  const { body } = await bring('shop', { pem: `${next.server.key}${next.server.cert}${next.ca}` })
  expect(body.version).toBe(2)
  expect(body.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1])
  expect(body.names).toContain('www.shop.example.org')
})

test('004.06 what cannot be used is refused with the field that is wrong, and leaves nothing behind', async () => {
  const weak = withOpenssl((openssl, folder) => {
    openssl('genrsa', '-out', 'weak.key', '512')
    openssl(
      ...['req', '-x509', '-key', 'weak.key', '-days', '1', '-subj', '/CN=weak', '-out', 'weak.crt'],
      ...['-addext', 'subjectAltName=DNS:weak.example.org'],
    )
    return readFileSync(join(folder, 'weak.key'), 'utf8') + readFileSync(join(folder, 'weak.crt'), 'utf8')
  })
  const nameless = withOpenssl((openssl, folder) => {
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'n.key')
    openssl('req', '-x509', '-key', 'n.key', '-days', '1', '-subj', '/CN=n', '-out', 'n.crt')
    return readFileSync(join(folder, 'n.key'), 'utf8') + readFileSync(join(folder, 'n.crt'), 'utf8')
  })
  const wrong: [string, object, string][] = [
    ['no PEM', { pem: 'hello' }, 'body.pem'],
    ['another key', { pem: `${other.server.key}${made.server.cert}` }, 'body.pem'],
    ['two keys', { pem: `${other.server.key}${pem}` }, 'body.pem'],
    ['no key', { pem: made.server.cert }, 'body.pem'],
    ['RSA-512', { pem: weak }, 'body.pem'],
    ['an authority, for no name', { pem: nameless }, 'body.pem'],
    ['a wrong passphrase', { pkcs12: pkcs12Of('right'), passphrase: 'wrong' }, 'body.passphrase'],
    ['no bundle', { pkcs12: Buffer.from('hello').toString('base64') }, 'body.pkcs12'],
    ['both', { pem, pkcs12: 'AAAA' }, 'body'],
    ['neither', {}, 'body'],
    ['an unknown virtual host', { pem, vhost_ids: [crypto.randomUUID()] }, 'body.vhost_ids[0]'],
  ]
  for (const [what, fields, path] of wrong) {
    const { status, body } = await bring('wrong', fields)
    expect([what, status, body.errors?.[0]?.path]).toEqual([what, 422, path])
    expect(JSON.stringify(body)).not.toContain('PRIVATE')
  }
  const { body } = await agent.call('GET', '/api/certificates?name=wrong')
  expect(body.items).toEqual([])
})

test('what is refused leaves no key with the broker, and the key that was there stays', async () => {
  const vhost = await agent.call('POST', `/api/servers/${serverId}/vhosts`, { names: ['shop.example.org'] })
  const vhost_ids = [vhost.body.id]
  const before = JSON.stringify(agent.broker.credentials)
  const foreign = `${other.server.key}${other.server.cert}${other.ca}`
  const refused = await bring('orphan', { pem: foreign, vhost_ids })
  expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body.vhost_ids[0]'])
  await agent.deps.prisma.vhost.update({
    where: { id: vhost.body.id },
    data: { certificateId: (await agent.call('GET', '/api/certificates?name=shop')).body.items[0].id },
  })
  const next = await bring('shop', { pem: foreign })
  expect([next.status, next.body.errors[0].path]).toEqual([422, 'body.pem'])
  expect(JSON.stringify(agent.broker.credentials)).toBe(before)
  await agent.deps.prisma.vhost.delete({ where: { id: vhost.body.id } })
})

test('an import that dies before its version is written is ended by the next one under the name', async () => {
  const { certificates } = agent.deps
  const { addVersion } = certificates
  certificates.addVersion = () => Promise.reject(new Error('died'))
  try {
    expect((await bring('dies', { pem })).status).toBe(500)
  } finally {
    certificates.addVersion = addVersion
  }
  const { body: left } = await agent.call('GET', '/api/certificates?name=dies')
  expect(left.items).toMatchObject([{ state: 'pending', version: 0 }])
  const { status, body } = await bring('dies', { pem })
  expect([status, body.id, body.version]).toEqual([201, left.items[0].id, 1])
  expect(agent.broker.credentials.filter(({ name }) => name.includes('dies'))).toHaveLength(1)
})

test('two imports of one new name at once leave one certificate and one key', async () => {
  const answers = await Promise.all([bring('twice', { pem }), bring('twice', { pem })])
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
  expect(agent.broker.credentials.filter(({ name }) => name.includes('twice'))).toHaveLength(1)
})

test('an import goes on under another credential where somebody deleted the one that was kept', async () => {
  const { body } = await bring('forgotten', { pem })
  agent.broker.deleted.add(body.credential_id)
  const same = await bring('forgotten', { pem })
  expect([same.status, same.body.version]).toEqual([201, 1])
  expect(same.body.credential_id).not.toBe(body.credential_id)
  agent.broker.deleted.add(same.body.credential_id)
  const next = await bring('forgotten', { pem: `${other.server.key}${other.server.cert}${other.ca}` })
  expect([next.status, next.body.version]).toEqual([201, 2])
  expect(next.body.credential_id).not.toBe(same.body.credential_id)
})

test('no key is exported beside a certificate that it is not the key of', async () => {
  const { body } = await agent.call('GET', '/api/certificates?name=twice')
  const kept = agent.broker.credentials.find(({ name }) => name.includes('twice'))
  // As between keeping the next version's key and writing the version.
  Object.assign(kept?.secret ?? {}, { private_key: other.server.key })
  const { status, headers } = await agent.call('POST', `/api/certificates/${body.items[0].id}/export-key`)
  expect([status, headers['retry-after']]).toEqual([503, '2'])
})

test('a key is exported to whom it is allowed, and that is in the audit log', async () => {
  const { body } = await agent.call('GET', '/api/certificates?name=shop')
  const { id } = body.items[0]
  const exported = await agent.call('POST', `/api/certificates/${id}/export-key`)
  expect(exported.status).toBe(200)
  expect(exported.body.private_key).toContain('BEGIN PRIVATE KEY')
  const audit = await agent.call('GET', `/api/certificates/audit?certificate_id=${id}&limit=5`)
  expect(audit.body.items[1]).toMatchObject({ action: 'certificate.export-key', outcome: 'succeeded' })
  const { apiKey, projectId } = agent
  const admin = await apiKey.createUser({ role: 'admin', projectId })
  const refused = await callerAt(agent.publicUrl, admin.token)('POST', `/api/certificates/${id}/export-key`)
  expect(refused.status).toBe(403)
  const chain = await agent.call('GET', `/api/certificates/${id}/chain`)
  expect(chain.headers['content-type']).toBe('application/pem-certificate-chain')
  expect(chain.body).toMatch(/^-----BEGIN CERTIFICATE-----/)
  expect(chain.body).not.toContain('PRIVATE')
})

test('004.07 so many exports within a minute and no more', async () => {
  const { body } = await agent.call('GET', '/api/certificates?name=shop')
  const statuses: number[] = []
  for (let n = 0; n < 12; n++) {
    const { status, headers } = await agent.call('POST', `/api/certificates/${body.items[0].id}/export-key`)
    statuses.push(status)
    if (status === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  }
  expect(statuses.at(-1)).toBe(429)
})
