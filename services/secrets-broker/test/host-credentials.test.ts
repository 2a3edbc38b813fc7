import { webcrypto } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { consoleKey, executorKey, kmsKey, type RunningBroker, send, startBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.stop())
beforeEach(() =>
  broker.owner.query('TRUNCATE secrets.credential_access_log, secrets.host_credentials CASCADE'),
)

const upsertPath = '/internal/secrets/credential-upsert'
const lookupPath = '/internal/secrets/credential-lookup'
const deletePath = (host: string, purpose: string) =>
  `/internal/secrets/credential-delete?${new URLSearchParams({ host, purpose })}`
const example = {
  host: '192.168.50.211',
  purpose: 'winrm',
  username: 'Administrator',
  password: 'SecurePass123',
  domain: 'CORP',
  additional_data: { notes: 'Production server' },
}
const key = { host: example.host, purpose: example.purpose }
const upsert = (more: object = {}) => broker.internal('POST', upsertPath, { ...example, ...more })
const lookup = (more: object = {}, as?: string | null) =>
  broker.internal('POST', lookupPath, { ...key, ...more }, as)

/** Opens a stored password knowing nothing but the seed's parameters, through WebCrypto. */
async function openBySeed(stored: string, passphrase: string): Promise<string> {
  const { subtle } = webcrypto
  const material = await subtle.importKey('raw', Buffer.from(passphrase), 'PBKDF2', false, ['deriveKey'])
  const aes = await subtle.deriveKey(
    { name: 'PBKDF2', hash: 'SHA-256', iterations: 100_000, salt: Buffer.from('opsconductor-secrets-v1') },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['decrypt'],
  )
  const bytes = Buffer.from(stored, 'base64')
  const iv = bytes.subarray(0, 12)
  const plain = await subtle.decrypt({ name: 'AES-GCM', iv, tagLength: 128 }, aes, bytes.subarray(12))
  return Buffer.from(plain).toString()
}

async function metric(name: string): Promise<number> {
  const { text } = await broker.internal('GET', '/metrics', undefined, null)
  const line = text.split('\n').find((each) => each.startsWith(`${name} `))
  if (line === undefined) throw new Error(`${name} is not among the metrics, or has labels`)
  return Number(line.slice(name.length + 1))
}

test('003.01 upsert answers 200 with exactly success, credential_id, host and purpose', async () => {
  const { status, body } = await upsert()
  expect(status).toBe(200)
  expect(body).toEqual({ success: true, credential_id: expect.any(Number), ...key })
})

test('003.02 upsert of a known host and purpose replaces the credential under the same id', async () => {
  const first = await upsert()
  const second = await upsert({
    username: 'Other',
    password: 'OtherPass456',
    domain: null,
    additional_data: {},
  })
  expect(second.body.credential_id).toBe(first.body.credential_id)
  expect((await lookup()).body).toEqual({
    ...key,
    username: 'Other',
    password: 'OtherPass456',
    domain: null,
    additional_data: {},
  })
  const { rows } = await broker.owner.query(
    'SELECT count(*)::int AS rows, bool_and(updated_at > created_at) AS touched FROM secrets.host_credentials',
  )
  expect(rows).toEqual([{ rows: 1, touched: true }])
})

test('003.03 lookup answers 200 with exactly what was stored, decrypted', async () => {
  await upsert()
  const { status, body } = await lookup()
  expect([status, body]).toEqual([200, example])
})

test('003.03 what was not given comes back as null, additional_data as {}', async () => {
  await broker.internal('POST', upsertPath, key)
  expect((await lookup()).body).toEqual({
    ...key,
    username: null,
    password: null,
    domain: null,
    additional_data: {},
  })
})

test('003.04 delete answers 200 with exactly success, host and purpose, and the credential is gone', async () => {
  await upsert()
  const { status, body } = await broker.internal('DELETE', deletePath(key.host, key.purpose))
  expect([status, body]).toEqual([200, { success: true, ...key }])
  expect((await lookup()).status).toBe(404)
})

test('003.05 lookup and delete of what is unknown answer 404 {"reason":"not_found"} and nothing else', async () => {
  for (const answer of [await lookup(), await broker.internal('DELETE', deletePath(key.host, key.purpose))]) {
    expect([answer.status, answer.text]).toEqual([404, '{"reason":"not_found"}'])
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
  }
})

test.each([[null], [''], ['wrong-key-0123456789012345678901'], ['internal-key-for-tests-012345678']])(
  '003.06 the internal key %j is refused with 403 and the seed’s words, on every endpoint',
  async (as) => {
    await upsert()
    const answers = [
      await broker.internal('POST', upsertPath, example, as),
      await lookup({}, as),
      await broker.internal('DELETE', deletePath(key.host, key.purpose), undefined, as),
    ]
    for (const { status, body, text } of answers) {
      expect([status, body.detail]).toEqual([403, 'Invalid or missing X-Internal-Key header'])
      expect(text).not.toContain(example.password)
    }
    expect((await lookup()).status).toBe(200)
  },
)

test('a service that the access table does not name for an endpoint is refused, one that it names is served', async () => {
  await upsert()
  expect((await lookup({}, consoleKey)).status).toBe(403)
  expect((await lookup({}, executorKey)).status).toBe(200)
  expect((await broker.internal('POST', upsertPath, example, executorKey)).status).toBe(403)
})

test.each(['winrm', 'ssh', 'rdp', 'http', 'database', 'my own purpose'])(
  '003.07 the purpose %s is stored and found',
  async (purpose) => {
    expect((await upsert({ purpose })).status).toBe(200)
    expect((await lookup({ purpose })).body.purpose).toBe(purpose)
  },
)

test.each([
  { host: 'Web-01', purpose: 'ssh' },
  { host: 'WEB-01', purpose: 'ssh' },
  { host: 'web-01 ', purpose: 'ssh' },
  { host: ' web-01', purpose: 'ssh' },
  { host: 'web-01', purpose: 'SSH' },
  { host: 'web%', purpose: 'ssh' },
  { host: 'web_01', purpose: 'ssh' },
  { host: 'web-01.', purpose: 'ssh' },
])('003.19 the match is exact and case-sensitive: %j does not find web-01 ssh', async (other) => {
  await upsert({ host: 'web-01', purpose: 'ssh' })
  expect((await lookup(other)).status).toBe(404)
  expect((await broker.internal('DELETE', deletePath(other.host, other.purpose))).status).toBe(404)
  expect((await lookup({ host: 'web-01', purpose: 'ssh' })).status).toBe(200)
})

test('003.08 003.09 003.10 000.44 the stored password opens with an independent implementation of the seed', async () => {
  await upsert()
  const { rows } = await broker.owner.query('SELECT password_encrypted, key_id FROM secrets.host_credentials')
  expect(await openBySeed(rows[0].password_encrypted, kmsKey)).toBe(example.password)
  expect(rows[0].key_id).toBe(broker.deps.keyring.current('host_credentials').id)
})

test('a row that another program of the seed wrote, without a key id, is found and decrypted', async () => {
  await upsert()
  await broker.owner.query('UPDATE secrets.host_credentials SET key_id = NULL')
  expect((await lookup()).body.password).toBe(example.password)
})

test.each([
  [
    'another key’s',
    'password_encrypted = $1',
    'AAECAwQFBgcICQoLPNDVqIFKpCJeuBPPvqVLfp+tnlW6RqhDBLSPRQeMTgLS7TQHWS5Cwss+Uw==',
  ],
  ['cut', 'password_encrypted = left(password_encrypted, 20) || $1', ''],
  ['not base64', 'password_encrypted = $1', '***'],
  ['of an unknown key id', 'key_id = $1', '0000000000000000'],
])(
  'a ciphertext that is %s answers Failed to decrypt credential, is counted and logged',
  async (_, set, value) => {
    await upsert()
    await broker.owner.query(`UPDATE secrets.host_credentials SET ${set}`, [value])
    const before = await metric('secrets_encryption_errors_total')
    const { status, body } = await lookup()
    expect([status, body.code, body.detail]).toEqual([
      500,
      'decryption_failed',
      'Failed to decrypt credential',
    ])
    expect(await metric('secrets_encryption_errors_total')).toBe(before + 1)
    expect((await broker.accessLog()).at(-1)).toMatchObject({
      access_type: 'read',
      success: false,
      error_message: 'Failed to decrypt credential',
    })
  },
)

test('003.12 000.46 every operation is in the access log, also each that failed, with who and from where', async () => {
  const { body } = await upsert()
  await upsert({ password: 'AnotherPass789' })
  await lookup({}, executorKey)
  await lookup({ host: 'nowhere' })
  await lookup({}, null)
  await lookup({}, consoleKey)
  await broker.internal('DELETE', deletePath('nowhere', 'ssh'))
  await broker.internal('DELETE', deletePath(key.host, key.purpose), undefined, null)
  await broker.internal('DELETE', deletePath(key.host, key.purpose))
  const rows = await broker.accessLog()
  expect(
    rows.map((row) => [
      row.access_type,
      row.host,
      row.purpose,
      row.accessed_by,
      row.success,
      row.error_message,
    ]),
  ).toEqual([
    ['create', key.host, key.purpose, 'operator', true, null],
    ['update', key.host, key.purpose, 'operator', true, null],
    ['read', key.host, key.purpose, 'executor', true, null],
    ['read', 'nowhere', key.purpose, 'operator', false, 'Credential not found'],
    ['read', 'unknown', 'unknown', null, false, 'Invalid or missing X-Internal-Key header'],
    ['read', 'unknown', 'unknown', 'console', false, 'console may not call this endpoint.'],
    ['delete', 'nowhere', 'ssh', 'operator', false, 'Credential not found'],
    ['delete', 'unknown', 'unknown', null, false, 'Invalid or missing X-Internal-Key header'],
    ['delete', key.host, key.purpose, 'operator', true, null],
  ])
  for (const row of rows) {
    expect(row.ip_address).toBe('127.0.0.1')
    expect(row.accessed_at).toBeInstanceOf(Date)
  }
  expect(JSON.stringify(rows)).not.toMatch(/SecurePass123|AnotherPass789/)
  expect(body.credential_id).toEqual(expect.any(Number))
})

test('003.12 000.46 a failure that nobody expected is in the access log too, without its cause', async () => {
  await broker.owner.query('REVOKE INSERT, DELETE ON secrets.host_credentials FROM svc_secrets_broker')
  try {
    expect((await upsert()).status).toBe(500)
    expect((await broker.internal('DELETE', deletePath(key.host, key.purpose))).status).toBe(500)
  } finally {
    await broker.owner.query('GRANT INSERT, DELETE ON secrets.host_credentials TO svc_secrets_broker')
  }
  expect((await broker.accessLog()).map((row) => [row.access_type, row.success, row.error_message])).toEqual(
    ['create', 'delete'].map((type) => [type, false, 'Something went wrong on our side.']),
  )
})

test('the access log names the credential while it lives, and outlives it', async () => {
  const { body } = await upsert()
  await lookup()
  expect((await broker.accessLog()).map((row) => row.credential_id)).toEqual([
    body.credential_id,
    body.credential_id,
  ])
  await broker.internal('DELETE', deletePath(key.host, key.purpose))
  expect((await broker.accessLog()).map((row) => [row.access_type, row.credential_id])).toEqual([
    ['create', null],
    ['read', null],
    ['delete', null],
  ])
})

test('an address that the caller claims does not reach the access log', async () => {
  const { body } = await upsert()
  const headers = {
    'x-internal-key': broker.deps.keys.own,
    'x-real-ip': '203.0.113.9',
    'x-forwarded-for': '203.0.113.9',
  }
  await send(broker.internalUrl + lookupPath, { method: 'POST', headers, body: key })
  expect((await broker.accessLog()).at(-1)).toMatchObject({
    credential_id: body.credential_id,
    ip_address: '127.0.0.1',
  })
})

test('the service itself can neither change nor delete a row of the access log', async () => {
  await upsert()
  for (const sql of ['UPDATE', 'DELETE FROM'].map((verb) => `${verb} secrets.credential_access_log`)) {
    const statement = sql.startsWith('UPDATE') ? `${sql} SET success = false` : sql
    await expect(broker.deps.pool.query(statement)).rejects.toMatchObject({ code: '42501' })
  }
})

test.each(['upsert', 'lookup', 'delete'] as const)(
  '%s fails closed: where the access log cannot be written it answers 503, no secret, and changes nothing',
  async (operation) => {
    await upsert()
    await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
    try {
      const calls = {
        upsert: () => upsert({ password: 'ChangedPass000' }),
        lookup: () => lookup(),
        delete: () => broker.internal('DELETE', deletePath(key.host, key.purpose)),
      }
      const { status, text, headers } = await calls[operation]()
      expect([status, headers['retry-after']]).toEqual([503, '2'])
      expect(text).not.toContain(example.password)
    } finally {
      await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
    }
    expect((await lookup()).body.password).toBe(example.password)
  },
)

test('003.14 the four metrics stand under the seed’s names, without labels, and count', async () => {
  const names = [
    'secrets_credential_lookups_total',
    'secrets_credential_lookup_failures_total',
    'secrets_credential_upserts_total',
    'secrets_encryption_errors_total',
  ]
  const read = () => Promise.all(names.map(metric))
  const before = await read()
  await upsert()
  await upsert()
  await lookup()
  await lookup({ host: 'nowhere' })
  await broker.owner.query("UPDATE secrets.host_credentials SET password_encrypted = 'AAAA'")
  await lookup()
  const after = await read()
  expect(after.map((value, i) => value - (before[i] as number))).toEqual([3, 2, 2, 1])
})

test('requests without a valid internal key are counted', async () => {
  const before = await metric('secrets_unauthorized_requests_total')
  await lookup({}, null)
  expect(await metric('secrets_unauthorized_requests_total')).toBe(before + 1)
})

test('20 upserts of one host at once leave one credential, one of theirs, and 20 rows in the log', async () => {
  const passwords = Array.from({ length: 20 }, (_, i) => `parallel-pass-${i}`)
  const answers = await Promise.all(passwords.map((password) => upsert({ password })))
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.credential_id}`)).size).toBe(1)
  expect(passwords).toContain((await lookup()).body.password)
  const types = (await broker.accessLog()).map((row) => row.access_type)
  expect(types.filter((type) => type === 'create').length).toBe(1)
  expect(types.filter((type) => type === 'update').length).toBe(19)
})

test('an access is logged even where the credential is deleted in that very moment', async () => {
  const { body } = await upsert()
  const deleting = await broker.owner.connect()
  await deleting.query('BEGIN')
  await deleting.query('DELETE FROM secrets.host_credentials WHERE id = $1', [body.credential_id])
  expect((await lookup()).status).toBe(200)
  await deleting.query('COMMIT')
  deleting.release()
  expect((await broker.accessLog()).at(-1)).toMatchObject({
    access_type: 'read',
    success: true,
    credential_id: null,
  })
})

test('003.13 the public listener knows no internal path', async () => {
  for (const path of [lookupPath, `/api/..${lookupPath}`, `//${lookupPath}`, `/%2e%2e${lookupPath}`])
    expect((await broker.api('POST', path, { 'x-internal-key': broker.deps.keys.own }, key)).status).toBe(404)
})
