import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createSessionVerifier } from '@opsconductor/auth'
import { jwksEndpoint } from '@opsconductor/contracts'
import { decodeJwt, decodeProtectedHeader, type JSONWebKeySet } from 'jose'
import { type Answer, metricValue, password, type RunningApiKey, startApiKey } from './running-api-key.ts'

let service: RunningApiKey
beforeAll(async () => {
  service = await startApiKey()
})
afterAll(() => service.close())

const minute = 60_000
const signIn = (email: string, secret = password, address = '192.0.2.1') =>
  service.ask('POST', '/api/session', {
    body: { email, password: secret },
    headers: { 'x-real-ip': address },
  })
const cookieOf = (answer: Answer) => String(answer.headers['set-cookie']).split(';')[0] as string
const refresh = (cookie: string) => service.ask('POST', '/api/session/refresh', { headers: { cookie } })

async function liveSessionsOf(userId: string): Promise<number> {
  const { rows } = await service.owner.query(
    'SELECT count(*)::int AS live FROM api_key.sessions WHERE user_id = $1 AND revoked_at IS NULL',
    [userId],
  )
  return rows[0].live
}

test('sign-in answers a ten-minute EdDSA token that the JWKS verifies', async () => {
  const person = await service.person()
  const answer = await signIn(person.email.toUpperCase())
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 600 })
  const token = answer.body.access_token
  const jwks = await service.internal.call(jwksEndpoint, {})
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', kid: jwks.keys[0]?.kid, typ: 'JWT' })
  const { iat = 0, exp = 0, ...claims } = decodeJwt(token)
  expect(claims).toEqual({ sub: person.id, iss: 'opsconductor', aud: 'opsconductor' })
  expect(exp - iat).toBe(600)
  const verify = createSessionVerifier(
    async () => jwks as unknown as JSONWebKeySet,
    () => service.clock.at,
  )
  expect(await verify(token)).toBe(person.id)
  expect(JSON.stringify(jwks)).not.toContain('"d"')
})

test('the refresh cookie is out of reach of scripts, other sites, plain HTTP and other paths', async () => {
  const { email } = await service.person()
  const attributes = String((await signIn(email)).headers['set-cookie']).split('; ')
  expect(attributes[0]).toMatch(/^oc_refresh=[A-Za-z0-9_-]{43}$/)
  expect(attributes.slice(1)).toEqual([
    'Max-Age=1209600',
    'Path=/api/session',
    'HttpOnly',
    'Secure',
    'SameSite=Strict',
  ])
})

test('wrong password, unknown e-mail and inactive user get the same answer for the same hashing work', async () => {
  const [known, inactive] = [await service.person(), await service.person()]
  await service.owner.query('UPDATE api_key.users SET is_active = false WHERE id = $1', [inactive.id])
  const answers: unknown[] = []
  const work: number[] = []
  for (const [email, secret] of [
    [known.email, 'not the password'],
    ['nobody@example.com', 'not the password'],
    [inactive.email, password],
  ] as const) {
    const before = await metricValue(service.deps, 'api_key_password_hashes_total')
    const { status, body } = await signIn(email, secret)
    answers.push({ status, ...body, trace_id: '' })
    work.push((await metricValue(service.deps, 'api_key_password_hashes_total')) - before)
  }
  expect(answers[0]).toMatchObject({ status: 401, code: 'invalid_login' })
  expect(answers[1]).toEqual(answers[0])
  expect(answers[2]).toEqual(answers[0])
  expect(work).toEqual([1, 1, 1])
})

test('after five failures sign-in is refused with a growing Retry-After, for that address only', async () => {
  const { email } = await service.person()
  for (let i = 0; i < 5; i++) expect((await signIn(email, 'wrong')).status).toBe(401)
  const waits: number[] = []
  for (let i = 0; i < 4; i++) {
    const refused = await signIn(email, password)
    expect(refused.status).toBe(429)
    expect(refused.body.code).toBe('too_many_requests')
    waits.push(Number(refused.headers['retry-after']))
    service.clock.at += (waits[i] as number) * 1000
    expect((await signIn(email, 'wrong')).status).toBe(401)
  }
  expect(waits).toEqual([5, 10, 20, 40])
  expect((await signIn(email, password, '192.0.2.99')).status).toBe(200)
  service.clock.at += 80_000
  expect((await signIn(email, password)).status).toBe(200)
  expect((await signIn(email, 'wrong')).status).toBe(401)
})

test('the right password of an inactive user counts as a failure like any other', async () => {
  const { email, id } = await service.person()
  await service.owner.query('UPDATE api_key.users SET is_active = false WHERE id = $1', [id])
  for (let i = 0; i < 5; i++) expect((await signIn(email)).status).toBe(401)
  expect((await signIn(email)).status).toBe(429)
})

test('guesses sent all at once are no way around the limit', async () => {
  const { email } = await service.person()
  const answers = await Promise.all(Array.from({ length: 12 }, () => signIn(email, 'wrong')))
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 401)).toHaveLength(5)
  expect(statuses.filter((status) => status === 429)).toHaveLength(7)
})

test('more sign-ins at once than can be hashed are refused with 503 and Retry-After, and do not count as failures', async () => {
  const people = await Promise.all(Array.from({ length: 40 }, () => service.person()))
  const answers = await Promise.all(people.map(({ email }) => signIn(email)))
  const refused = answers.filter(({ status }) => status === 503)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]?.headers['retry-after']).toBe('1')
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(40 - refused.length)
})

test('a refresh gives a new token and cookie, and the old cookie ends the whole family', async () => {
  const { email, id } = await service.person()
  const first = cookieOf(await signIn(email))
  const refreshed = await refresh(first)
  expect(refreshed.status).toBe(200)
  expect(decodeJwt(refreshed.body.access_token).sub).toBe(id)
  const second = cookieOf(refreshed)
  expect(second).not.toBe(first)
  const reused = await refresh(first)
  expect([reused.status, reused.body.code]).toEqual([401, 'invalid_session'])
  expect((await refresh(second)).status).toBe(401)
  expect(service.logged()).toContain('a used refresh token came again')
})

test('one refresh token used twice at once succeeds at most once and leaves no session behind', async () => {
  const { email, id } = await service.person()
  const cookie = cookieOf(await signIn(email))
  const answers = await Promise.all([refresh(cookie), refresh(cookie), refresh(cookie)])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401])
  expect(await liveSessionsOf(id)).toBe(0)
})

test('a sign-out and a refresh at the same moment leave no session, whichever comes first', async () => {
  const { email, id } = await service.person()
  const cookie = cookieOf(await signIn(email))
  await service.race({
    lock: 'SELECT 1 FROM api_key.users WHERE id = $1 FOR UPDATE',
    values: [id],
    waiting: 2,
    work: () =>
      Promise.all([refresh(cookie), service.ask('DELETE', '/api/session', { headers: { cookie } })]),
  })
  expect(await liveSessionsOf(id)).toBe(0)
})

test('a sign-in whose password is changed before its session is made gets none', async () => {
  const { email, id } = await service.person()
  const answer = await service.race({
    lock: `UPDATE api_key.users SET password_hash = 'changed' WHERE id = $1`,
    values: [id],
    waiting: 1,
    work: () => signIn(email),
  })
  expect(answer.status).toBe(401)
  expect(await liveSessionsOf(id)).toBe(0)
})

test('the end of one family leaves the other sessions of the user alone', async () => {
  const { email } = await service.person()
  const [first, other] = [cookieOf(await signIn(email)), cookieOf(await signIn(email))]
  await refresh(first)
  expect((await refresh(first)).status).toBe(401)
  expect((await refresh(other)).status).toBe(200)
})

test('sign-out ends the session and clears the cookie; without a session it changes nothing', async () => {
  const { email } = await service.person()
  const cookie = cookieOf(await signIn(email))
  const answer = await service.ask('DELETE', '/api/session', { headers: { cookie } })
  expect(answer.status).toBe(204)
  expect(String(answer.headers['set-cookie'])).toContain('oc_refresh=; Max-Age=0; Path=/api/session')
  expect((await refresh(cookie)).status).toBe(401)
  expect((await service.ask('DELETE', '/api/session')).status).toBe(204)
})

test('a session lasts fourteen days however often it is refreshed', async () => {
  const { email } = await service.person()
  let cookie = cookieOf(await signIn(email))
  service.clock.at += 13 * 24 * 60 * minute
  const refreshed = await refresh(cookie)
  expect(String(refreshed.headers['set-cookie'])).toContain('Max-Age=86400;')
  cookie = cookieOf(refreshed)
  service.clock.at += 24 * 60 * minute
  expect((await refresh(cookie)).status).toBe(401)
})

test('an access token is refused after ten minutes, and at once when its user is deactivated', async () => {
  const [late, gone] = [await service.person(), await service.person()]
  expect((await service.ask('GET', '/api/users/me', { headers: late.headers })).status).toBe(200)
  await service.owner.query('UPDATE api_key.users SET is_active = false WHERE id = $1', [gone.id])
  const refused = await service.ask('GET', '/api/users/me', { headers: gone.headers })
  expect([refused.status, refused.body.code]).toEqual([401, 'invalid_session'])
  service.clock.at += 10 * minute + 1000
  expect((await service.ask('GET', '/api/users/me', { headers: late.headers })).status).toBe(401)
})

test('a refresh without a cookie, or with one that is not ours, is 401', async () => {
  for (const cookie of [
    '',
    'oc_refresh=',
    'oc_refresh=x',
    `oc_refresh=${'A'.repeat(43)}`,
    'other=1; oc_refresh',
  ])
    expect((await refresh(cookie)).status).toBe(401)
  expect((await service.ask('POST', '/api/session/refresh')).status).toBe(401)
})

test('a sign-in body that is not an e-mail and a password is 422 naming the field', async () => {
  for (const [body, path] of [
    [{}, 'body.email'],
    [{ email: 'x', password }, 'body.email'],
    [{ email: 'a@example.com' }, 'body.password'],
    [{ email: 'a@example.com', password: 'x'.repeat(201) }, 'body.password'],
    [{ email: 'a@example.com', password, more: 1 }, 'body'],
  ] as const) {
    const answer = await service.ask('POST', '/api/session', { body })
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, path])
  }
})
