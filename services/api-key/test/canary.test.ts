import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { verifyKeyEndpoint } from '@opsconductor/contracts'
import { password, type RunningApiKey, startApiKey } from './running-api-key.ts'

let service: RunningApiKey
beforeAll(async () => {
  service = await startApiKey()
})
afterAll(() => service.close())

/** Every row of every table of the schema, as one text. */
async function everyRow(): Promise<string> {
  const { rows: tables } = await service.owner.query(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = 'api_key'`,
  )
  expect(tables.length).toBeGreaterThanOrEqual(5)
  let text = ''
  for (const { table_name } of tables)
    text += JSON.stringify((await service.owner.query(`SELECT * FROM api_key.${table_name}`)).rows)
  return text
}

test('002.03 keys, passwords, refresh and access tokens are in no row, log line or later answer', async () => {
  const admin = await service.person({ isPlatformAdmin: true })
  const owner = await service.person()
  const projectId = await service.project({ [owner.id]: 'owner' })
  const ask = (method: string, path: string, body?: unknown, headers = owner.headers) =>
    service.ask(method, path, { headers, body })

  const session = await ask('POST', '/api/session', { email: owner.email, password }, {})
  const refreshToken = /oc_refresh=([^;]+)/.exec(String(session.headers['set-cookie']))?.[1] as string
  const refreshed = await ask('POST', '/api/session/refresh', undefined, {
    cookie: `oc_refresh=${refreshToken}`,
  })
  const reused = await ask('POST', '/api/session/refresh', undefined, {
    cookie: `oc_refresh=${refreshToken}`,
  })
  expect([refreshed.status, reused.status]).toEqual([200, 401])
  await ask('POST', '/api/session', { email: owner.email, password: 'canary of a wrong password' }, {})
  const newPassword = 'canary of a new password'
  const user = { email: 'canary@example.com', display_name: 'Canary', password: newPassword }
  await ask('POST', '/api/users', user, admin.headers)
  await ask('POST', '/api/users', user, admin.headers)
  await ask('PATCH', `/api/users/${owner.id}`, { password: 'canary of a change' }, admin.headers)

  const made = await ask('POST', '/api/keys', { name: 'canary', scopes: ['manage:*'] })
  await ask('POST', '/api/keys', { name: 'canary' })
  const renewed = await ask('POST', `/api/keys/${made.body.id}/regenerate`)
  const key = renewed.body.key as string
  const answers = [
    await ask('GET', '/api/keys'),
    await ask('GET', `/api/keys/${made.body.id}`),
    await ask('GET', '/api/keys', undefined, { 'x-api-key': key }),
    await ask('GET', `/api/keys?cursor=${key}`),
    await ask('GET', '/api/keys', undefined, { 'x-api-key': made.body.key }),
    await ask('POST', '/api/keys', { name: 'x', key }),
    await ask('PUT', `/api/projects/${projectId}/members/${admin.id}`, { role: key }),
    await ask('DELETE', `/api/keys/${made.body.id}`),
    await ask('GET', '/api/users/me'),
  ]
  const verified = await service.internal.call(verifyKeyEndpoint, { key })
  expect(verified).toEqual({ valid: false, code: 'revoked_api_key' })
  await service.deps.keyUse.flush()

  const secrets = [
    made.body.key,
    key,
    key.slice(17, 60),
    password,
    newPassword,
    'canary of a wrong password',
    'canary of a change',
    refreshToken,
    session.body.access_token,
    service.deps.config.API_KEY_PEPPER,
  ]
  const rows = await everyRow()
  for (const secret of secrets) {
    expect(typeof secret).toBe('string')
    expect(rows).not.toContain(secret)
    expect(service.logged()).not.toContain(secret)
    for (const answer of answers) expect(JSON.stringify(answer)).not.toContain(secret)
  }
  expect(service.logged()).toContain('API key changed')
  expect(rows).toContain(key.slice(8, 12))
})

test('002.03 what is stored of a key is its HMAC with the pepper, so another pepper knows none of them', async () => {
  const owner = await service.person()
  await service.project({ [owner.id]: 'owner' })
  const { body } = await service.ask('POST', '/api/keys', {
    headers: owner.headers,
    body: { name: 'hashed' },
  })
  const { rows } = await service.owner.query('SELECT key_hash FROM api_key.api_keys WHERE id = $1', [body.id])
  expect(rows[0].key_hash).toMatch(/^[0-9a-f]{64}$/)
  const { createHash, createHmac } = await import('node:crypto')
  const { API_KEY_PEPPER } = service.deps.config
  expect(rows[0].key_hash).toBe(createHmac('sha256', API_KEY_PEPPER).update(body.key).digest('hex'))
  expect(rows[0].key_hash).not.toBe(createHash('sha256').update(body.key).digest('hex'))
})
