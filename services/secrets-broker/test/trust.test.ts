import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { trustTopics } from '@opsconductor/contracts'
import { listenForEvents } from '@opsconductor/events'
import ssh2 from 'ssh2'
import { consoleKey, executorKey, type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
let directory: string
beforeAll(async () => {
  broker = await startBroker()
  project = await broker.createProject()
  directory = mkdtempSync(join(tmpdir(), 'trust-'))
})
afterAll(async () => {
  rmSync(directory, { recursive: true })
  await broker.stop()
})

const api = (method: string, path: string, body?: unknown, as = project.asOwner) =>
  broker.api(method, `/api/trust/${path}`, as, body)
const trust = (query: string, key: string | null = executorKey) =>
  broker.internal('GET', `/internal/secrets/trust?project_id=${project.projectId}${query}`, undefined, key)

/** `line` is as a .pub file's. */
function sshKey(type: 'ed25519' | 'ecdsa' | 'rsa', bits = 256) {
  const made = sshKeyPair(type, bits)
  const digest = createHash('sha256').update(Buffer.from(made.public.split(' ')[1] as string, 'base64'))
  const fingerprint = `SHA256:${digest.digest('base64').replace(/=+$/, '')}`
  return { line: made.public, privateKey: made.private, fingerprint }
}

/** ssh2 drops the leading zero of one ed25519 key in 256, which makes it no key: another is made then. */
function sshKeyPair(type: 'ed25519' | 'ecdsa' | 'rsa', bits: number) {
  const comment = 'root@web 01'
  if (type === 'ecdsa') return ssh2.utils.generateKeyPairSync(type, { bits: bits as 256, comment })
  if (type === 'rsa') return ssh2.utils.generateKeyPairSync(type, { bits, comment })
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync(type, { comment })
    if (!(ssh2.utils.parseKey(made.public) instanceof Error)) return made
  }
}

function certificate(
  name: string,
  { days = 100, bits = 0, ca = true, keyFile = join(directory, 'k.pem') } = {},
) {
  const key =
    bits > 0 ? ['rsa', '-pkeyopt', `rsa_keygen_bits:${bits}`] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  return execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', ...key, '-nodes', '-keyout', keyFile, '-subj', `/CN=${name}`],
      ...['-days', String(days), '-addext', `basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}`],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
}

test.each<['ed25519' | 'ecdsa' | 'rsa', number | undefined, string]>([
  ['ed25519', undefined, 'ssh-ed25519'],
  ['ecdsa', 256, 'ecdsa-sha2-nistp256'],
  ['ecdsa', 384, 'ecdsa-sha2-nistp384'],
  ['ecdsa', 521, 'ecdsa-sha2-nistp521'],
  ['rsa', 2048, 'ssh-rsa'],
])('003.26 000.47 a host key of type %s %s is trusted, with its fingerprint', async (type, bits, keyType) => {
  const { line, fingerprint } = sshKey(type, bits)
  const { status, body, headers } = await api('POST', 'host-keys', { host: 'Web-01.Example', key: line })
  expect([status, headers.location]).toEqual([201, `/api/trust/host-keys/${body.id}`])
  expect(body).toMatchObject({
    project_id: project.projectId,
    host: 'web-01.example',
    port: 22,
    key_type: keyType,
    public_key: line.split(' ')[1],
    fingerprint,
    comment: 'root@web 01',
    revoked: false,
    created_by: `user:${project.userId}`,
  })
  expect((await api('GET', `host-keys/${body.id}`)).body).toEqual(body)
})

test('003.26 the fingerprint is the one that ssh-keygen -l shows', async () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHdFoac+1gBWzx645nGGqEYNzEMcG48j/YoSRzYRQ+ny root@web 01'
  const { body } = await api('POST', 'host-keys', { host: 'shown', key })
  expect(body.fingerprint).toBe('SHA256:R/Z5j2Xl+5uiP2zHX82HkPjIH2nJKPhJM6zNIaV2ETU')
})

test('003.26 a line of known_hosts names host and port itself, and @revoked in it revokes', async () => {
  const { line } = sshKey('ed25519')
  const [type, base64] = line.split(' ')
  for (const [given, expected] of [
    [`db-01.example ${type} ${base64}`, { host: 'db-01.example', port: 22, revoked: false, comment: null }],
    [`[DB-01.example]:2222\t${type} ${base64} note`, { host: 'db-01.example', port: 2222, comment: 'note' }],
    [`@revoked [2001:DB8:0::1]:22 ${type} ${base64}`, { host: '2001:db8::1', port: 22, revoked: true }],
  ] as const) {
    const { status, body } = await api('POST', 'host-keys', { key: given })
    expect([status, body]).toEqual([201, expect.objectContaining(expected)])
  }
})

test('000.47 the executor is told the keys of exactly one host and port, also the revoked ones, and the CA bundles', async () => {
  const [one, two] = [sshKey('ed25519'), sshKey('ed25519')]
  await api('POST', 'host-keys', { host: 'app-01', key: one.line })
  await api('POST', 'host-keys', { host: 'app-01', key: two.line, revoked: true })
  await api('POST', 'host-keys', { host: 'app-01', port: 2222, key: two.line })
  await api('POST', 'host-keys', { host: 'app-011', key: two.line })
  await api('POST', 'ca-bundles', { name: 'lab', certificates: certificate('Lab CA') })
  const { status, body } = await trust('&host=APP-01')
  expect([status, body.host_keys]).toEqual([
    200,
    [one, two].map(({ line, fingerprint }, i) => ({
      key_type: 'ssh-ed25519',
      public_key: line.split(' ')[1],
      fingerprint,
      revoked: i === 1,
      is_authority: false,
    })),
  ])
  expect(body.ca_bundles).toEqual([
    expect.objectContaining({ name: 'lab', certificates: expect.any(String) }),
  ])
  expect((await trust('&host=app-01&port=2222')).body.host_keys).toHaveLength(1)
  expect((await trust('&host=app-02')).body.host_keys).toEqual([])
  expect((await trust('')).body.host_keys).toEqual([])
  for (const query of ['&host=a&host=b', '&host=a,b', '&port=0', '&port=x', '&host=%00', '&more=1'])
    expect((await trust(query)).status).toBe(400)
  for (const key of [null, consoleKey]) expect((await trust('&host=app-01', key)).status).toBe(403)
})

test('another project sees and changes none of it', async () => {
  const { body: key } = await api('POST', 'host-keys', { host: 'own', key: sshKey('ed25519').line })
  const { body: bundle } = await api('POST', 'ca-bundles', { name: 'own', certificates: certificate('Own') })
  const other = (await broker.createProject()).asOwner
  for (const path of [`host-keys/${key.id}`, `ca-bundles/${bundle.id}`])
    for (const [method, body] of [['GET'], ['PUT', {}], ['DELETE']] as const)
      expect((await api(method, path, body, other)).status).toBe(404)
  for (const path of ['host-keys', 'ca-bundles'])
    expect((await api('GET', path, undefined, other)).body.items).toEqual([])
  expect((await api('GET', `host-keys/${key.id}`)).status).toBe(200)
})

test('host keys are listed newest first, in pages and by host; revoked, renamed and deleted', async () => {
  const ids: string[] = []
  for (let i = 0; i < 3; i++)
    ids.unshift((await api('POST', 'host-keys', { host: 'paged', key: sshKey('ed25519').line })).body.id)
  const first = await api('GET', 'host-keys?host=PAGED&limit=2')
  const second = await api('GET', `host-keys?host=paged&limit=2&cursor=${first.body.next_cursor}`)
  expect([...first.body.items, ...second.body.items].map(({ id }) => id)).toEqual(ids)
  const revoked = await api('PUT', `host-keys/${ids[0]}`, { revoked: true })
  expect(revoked.body).toMatchObject({ revoked: true, comment: 'root@web 01' })
  expect((await api('PUT', `host-keys/${ids[0]}`, { comment: null })).body).toMatchObject({
    revoked: true,
    comment: null,
  })
  expect((await api('DELETE', `host-keys/${ids[0]}`)).status).toBe(204)
  expect((await api('GET', `host-keys/${ids[0]}`)).status).toBe(404)
  expect((await api('DELETE', `host-keys/${ids[0]}`)).status).toBe(404)
})

const dsa =
  'ssh-dss AAAAB3NzaC1kc3MAAACBAP1/U4EddRIpUt9KnC7s5Of2EbdSPO9EAMMeP4C2USZpRV1AIlH7WT2NWPq/xfW6MPbLm1Vs14E7gB00b/JmYLdrmVClpJ+f6AR7ECLCT7up1/63xhv4O1fnxqimFQ8E+4P208UewwI1VBNaFpEy9nXzrith1yrv8iIDGZ3RSAHHAAAAFQCXYFCPFSMLzLKSuYKi64QL8Fgc9Q== x'
test.each<[string, () => object, string, string]>([
  ['a DSA key', () => ({ host: 'h', key: dsa }), 'body.key', 'DSA'],
  ['an RSA key of 1024 bits', () => ({ host: 'h', key: sshKey('rsa', 1024).line }), 'body.key', '1024 bits'],
  ['a private key', () => ({ host: 'h', key: sshKey('ed25519').privateKey }), 'body.key', 'private key'],
  [
    'a private key in one line',
    () => ({ host: 'h', key: sshKey('rsa', 2048).privateKey.replaceAll('\n', ' ') }),
    'body.key',
    'private key',
  ],
  [
    'two keys',
    () => ({ host: 'h', key: `${sshKey('ed25519').line}\n${sshKey('ed25519').line}` }),
    'body.key',
    'one line',
  ],
  [
    'a key of another type than it says',
    () => ({ host: 'h', key: sshKey('ecdsa', 256).line.replace('nistp256', 'nistp384') }),
    'body.key',
    'damaged',
  ],
  [
    'a key that was cut',
    () => ({ host: 'h', key: sshKey('ed25519').line.slice(0, 60) }),
    'body.key',
    'damaged',
  ],
  [
    'a key with something after it',
    () => ({ host: 'h', key: withTail(sshKey('ed25519').line) }),
    'body.key',
    'damaged',
  ],
  [
    'a certificate',
    () => ({
      host: 'h',
      key: sshKey('ed25519').line.replace('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com'),
    }),
    'body.key',
    'must be',
  ],
  ['a hashed host', () => ({ key: `|1|abc=|def= ${sshKey('ed25519').line}` }), 'body.key', 'hashed'],
  ['two hosts', () => ({ key: `a,b ${sshKey('ed25519').line}` }), 'body.key', 'one host'],
  ['a pattern', () => ({ key: `*.example ${sshKey('ed25519').line}` }), 'body.key', 'patterns'],
  ['a port of 70000', () => ({ key: `[a]:70000 ${sshKey('ed25519').line}` }), 'body.key', 'exactly'],
  ['another marker', () => ({ key: `@trusted a ${sshKey('ed25519').line}` }), 'body.key', 'marker'],
  [
    'a host in both places',
    () => ({ host: 'b', key: `a ${sshKey('ed25519').line}` }),
    'body.host',
    'must not be given',
  ],
  ['no host', () => ({ key: sshKey('ed25519').line }), 'body.host', 'is missing'],
  ['a host with a port', () => ({ host: 'a:22', key: sshKey('ed25519').line }), 'body.host', ''],
  ['no key', () => ({ host: 'h', key: '' }), 'body.key', ''],
  ['words', () => ({ host: 'h', key: 'my dog has fleas' }), 'body.key', 'one of the types'],
  ['a megabyte', () => ({ host: 'h', key: 'A'.repeat(1_000_000) }), 'body.key', ''],
  ['NUL', () => ({ host: 'h', key: 'ssh-ed25519 AAAA\0' }), 'body.key', ''],
])('a host key with %s is refused, naming the field and quoting nothing', async (_, given, path, words) => {
  const request = given() as { key: string }
  const { status, body, text } = await api('POST', 'host-keys', request)
  expect([status, body.errors[0]?.path]).toEqual([422, path])
  expect(body.errors[0]?.message).toContain(words)
  const base64 = request.key.match(/[A-Za-z0-9+/]{20,}/g) ?? []
  for (const run of base64) expect(text + broker.logged()).not.toContain(run)
})

function withTail(line: string): string {
  const [type, base64 = ''] = line.split(' ')
  return `${type} ${Buffer.concat([Buffer.from(base64, 'base64'), Buffer.from('tail')]).toString('base64')}`
}

test('the same key of the same host twice is 409; of another port it is another', async () => {
  const { line } = sshKey('ed25519')
  expect((await api('POST', 'host-keys', { host: 'twice', key: line })).status).toBe(201)
  const again = await api('POST', 'host-keys', { host: 'TWICE', key: line, comment: 'other' })
  expect([again.status, again.body.errors[0]?.path]).toEqual([409, 'body.key'])
  expect((await api('POST', 'host-keys', { host: 'twice', port: 2222, key: line })).status).toBe(201)
})

test('003.26 a CA bundle is kept in PEM, each certificate once, with the date of the first to expire', async () => {
  const [soon, late] = [certificate('Soon', { days: 10 }), certificate('Late', { days: 1000 })]
  const given = `# comment\n${late}${soon}${late}`
  const { status, body, headers } = await api('POST', 'ca-bundles', { name: 'all', certificates: given })
  expect([status, headers.location]).toEqual([201, `/api/trust/ca-bundles/${body.id}`])
  expect(body).toMatchObject({ name: 'all', certificate_count: 2, certificates: late + soon })
  const days = (Date.parse(body.expires_at as string) - Date.now()) / 86_400_000
  expect(Math.round(days)).toBe(10)
  expect((await api('GET', `ca-bundles/${body.id}`)).body).toEqual(body)
  const { certificates: _, ...listed } = body
  expect((await api('GET', 'ca-bundles')).body.items).toContainEqual(listed)
  const changed = await api('PUT', `ca-bundles/${body.id}`, { name: 'some', certificates: late })
  expect(changed.body).toMatchObject({ name: 'some', certificate_count: 1, certificates: late })
  expect((await api('PUT', `ca-bundles/${body.id}`, {})).body).toMatchObject({
    name: 'some',
    certificate_count: 1,
  })
  expect((await api('DELETE', `ca-bundles/${body.id}`)).status).toBe(204)
  expect((await api('GET', `ca-bundles/${body.id}`)).status).toBe(404)
})

test('a CA bundle’s name that is taken is 409, for a new one and for one that is renamed', async () => {
  const certificates = certificate('Name')
  await api('POST', 'ca-bundles', { name: 'taken', certificates })
  const { body } = await api('POST', 'ca-bundles', { name: 'free', certificates })
  for (const answer of [
    await api('POST', 'ca-bundles', { name: 'taken', certificates }),
    await api('PUT', `ca-bundles/${body.id}`, { name: 'taken' }),
  ])
    expect([answer.status, answer.body.errors[0]?.path]).toEqual([409, 'body.name'])
})

const keyPem = () =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const flip = (pem: string) => pem.replace(/^(.{200})./s, '$1#')
test.each<[string, () => string, string]>([
  ['nothing', () => '', ''],
  ['words', () => 'my dog has fleas', 'cannot be read'],
  ['a private key', () => certificate('With key') + keyPem(), 'private key'],
  ['only a private key', keyPem, 'private key'],
  ['a damaged certificate', () => flip(certificate('Flipped')), 'cannot be read'],
  ['a certificate that was cut', () => certificate('Cut').slice(0, 300), 'cannot be read'],
  ['an RSA key of 1024 bits', () => certificate('Weak', { bits: 1024 }), '1024 bits'],
  ['a certificate of no authority', leafOf, 'neither of an authority nor self-signed'],
  ['51 certificates', () => certificate('Many').repeat(51), 'at most 50'],
  ['a megabyte', () => 'A'.repeat(1_000_000), ''],
])('a CA bundle with %s is refused, naming the field and quoting nothing', async (_, given, words) => {
  const certificates = given()
  const { status, body, text } = await api('POST', 'ca-bundles', {
    name: randomUUID().slice(1),
    certificates,
  })
  expect([status, body.errors[0]?.path]).toEqual([422, 'body.certificates'])
  expect(body.errors[0]?.message).toContain(words)
  for (const line of certificates.match(/^[A-Za-z0-9+/]{40,}=*$/gm) ?? []) expect(text).not.toContain(line)
})

/** Signed by another. */
function leafOf(): string {
  const caKey = join(directory, 'ca.key')
  const caFile = join(directory, 'ca.pem')
  execFileSync('sh', ['-c', `cat > ${caFile}`], { input: certificate('Issuer', { keyFile: caKey }) })
  const openssl = (args: string[]) =>
    execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' })
  const csr = join(directory, 'leaf.csr')
  openssl([
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    '/dev/null',
    '-subj',
    '/CN=leaf',
    '-out',
    csr,
  ])
  return openssl(['x509', '-req', '-in', csr, '-CA', caFile, '-CAkey', caKey, '-days', '5'])
}

test('each change is in the access log with who and what, also a refused one, and counts as no credential', async () => {
  const upserts = async () =>
    /^secrets_credential_upserts_total (\d+)/m.exec((await broker.internal('GET', '/metrics')).text)?.[1]
  const before = await upserts()
  await broker.owner.query('TRUNCATE secrets.credential_access_log')
  const { body } = await api('POST', 'host-keys', { host: 'audited', key: sshKey('ed25519').line })
  await api('PUT', `host-keys/${body.id}`, { revoked: true })
  await api('DELETE', `host-keys/${body.id}`)
  await api('POST', 'ca-bundles', { name: 'audited', certificates: 'x' })
  const rows = await broker.accessLog()
  expect(rows.map((row) => [row.access_type, row.purpose, row.host, row.success])).toEqual([
    ['create', 'ssh_host_key', 'audited', true],
    ['update', 'ssh_host_key', 'audited', true],
    ['delete', 'ssh_host_key', 'audited', true],
    ['create', 'ca_bundle', 'audited', false],
  ])
  expect(rows[0]).toMatchObject({ credential_uuid: body.id, accessed_by: `user:${project.userId}` })
  expect(await upserts()).toBe(before)
})

test('a change that cannot be logged is not made', async () => {
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    expect((await api('POST', 'host-keys', { host: 'unlogged', key: sshKey('ed25519').line })).status).toBe(
      503,
    )
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
  expect((await api('GET', 'host-keys?host=unlogged')).body.items).toEqual([])
})

test('other processes are told of a change, by the project, when it is committed', async () => {
  let told = (_: string) => {}
  const event = new Promise<string>((resolve) => {
    told = resolve
  })
  await new Promise<void>((resolve) => {
    const listener = listenForEvents({
      connectionString: broker.config.DATABASE_URL,
      onEvent({ topic, key }) {
        if (topic === trustTopics.trustChanged) void listener.stop().then(() => told(key))
      },
      onGap: resolve,
      onError() {},
    })
  })
  await api('POST', 'host-keys', { host: 'told', key: sshKey('ed25519').line })
  expect(await event).toBe(project.projectId)
})
