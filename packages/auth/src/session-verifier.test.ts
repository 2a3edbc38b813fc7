import { beforeAll, expect, test } from '@jest/globals'
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from 'jose'
import { createSessionVerifier, sessionAudience, sessionIssuer } from './session-verifier.ts'

type Pair = Awaited<ReturnType<typeof generateKeyPair>>
const start = Date.parse('2027-01-01T00:00:00Z')
let pair: Pair
let other: Pair
beforeAll(async () => {
  pair = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  other = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
})

const jwksOf = async (...entries: [Pair, string][]): Promise<JSONWebKeySet> => ({
  keys: await Promise.all(
    entries.map(async ([{ publicKey }, kid]) => ({ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA' })),
  ),
})
const claims = (changes: JWTPayload = {}): JWTPayload => ({
  sub: 'u1',
  iss: sessionIssuer,
  aud: sessionAudience,
  iat: start / 1000,
  exp: start / 1000 + 600,
  ...changes,
})
const sign = (payload: JWTPayload, { key = pair, kid = 'one' } = {}) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', kid }).sign(key.privateKey)

function verifierOf(jwks: () => Promise<JSONWebKeySet>) {
  const clock = { at: start }
  const fetched = { times: 0 }
  const verify = createSessionVerifier(
    () => {
      fetched.times++
      return jwks()
    },
    () => clock.at,
  )
  return { verify, clock, fetched }
}
const invalid = { code: 'invalid_session', status: 401 }

test("a token signed by one of api-key's keys gives its user, and the keys are asked for once", async () => {
  const { verify, fetched } = verifierOf(() => jwksOf([pair, 'one']))
  for (let i = 0; i < 3; i++) expect(await verify(await sign(claims()))).toBe('u1')
  expect(fetched.times).toBe(1)
})

test('a token is refused from the second it expires', async () => {
  const { verify, clock } = verifierOf(() => jwksOf([pair, 'one']))
  const token = await sign(claims())
  clock.at = start + 599_999
  expect(await verify(token)).toBe('u1')
  clock.at = start + 600_000
  await expect(verify(token)).rejects.toMatchObject(invalid)
})

test('a token of another issuer, audience or key, without a subject or an end, is refused', async () => {
  const { verify } = verifierOf(() => jwksOf([pair, 'one']))
  const { sub: _, ...noSubject } = claims()
  const { exp: __, ...noEnd } = claims()
  for (const token of [
    await sign(claims({ iss: 'another' })),
    await sign(claims({ aud: 'another' })),
    await sign(claims(), { key: other }),
    await sign(noSubject),
    await sign(noEnd),
    await sign(claims({ nbf: start / 1000 + 60 })),
  ])
    await expect(verify(token)).rejects.toMatchObject(invalid)
})

test('what is not a token, is unsigned or uses another algorithm is refused without a thrown TypeError', async () => {
  const { verify } = verifierOf(() => jwksOf([pair, 'one']))
  const token = await sign(claims())
  const [head, payload, signature] = token.split('.') as [string, string, string]
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const symmetric = await new SignJWT(claims())
    .setProtectedHeader({ alg: 'HS256', kid: 'one' })
    .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey))))
  for (const text of [
    '',
    'x',
    '..',
    'a.b.c',
    `${head}.${payload}`,
    `${head}.${payload}.`,
    `${head}.${payload}.${signature}.x`,
    `${encode({ alg: 'none' })}.${payload}.`,
    `${encode({ alg: 'EdDSA', kid: '__proto__' })}.${payload}.${signature}`,
    `${encode({ alg: 'EdDSA', kid: 'one', crit: ['x'] })}.${payload}.${signature}`,
    `${encode(null)}.${payload}.${signature}`,
    `${head}.${encode('text')}.${signature}`,
    `${head}.${encode({ ...claims(), sub: 'u2' })}.${signature}`,
    symmetric,
    'é.\u0000.x',
  ])
    await expect(verify(text)).rejects.toMatchObject(invalid)
})

test('a key that api-key changed to is fetched, but not more than once in ten seconds', async () => {
  let keys: [Pair, string][] = [[pair, 'one']]
  const { verify, clock, fetched } = verifierOf(() => jwksOf(...keys))
  await verify(await sign(claims()))
  const rotated = await sign(claims(), { key: other, kid: 'two' })
  for (let i = 0; i < 5; i++) await expect(verify(rotated)).rejects.toMatchObject(invalid)
  expect(fetched.times).toBe(1)
  keys = [[other, 'two']]
  clock.at += 10_000
  expect(await verify(rotated)).toBe('u1')
  expect(fetched.times).toBe(2)
})

test("where the keys cannot be fetched the error is not the session's, and the next call asks again", async () => {
  let down = true
  const { verify, fetched } = verifierOf(async () => {
    if (down) throw new Error('api-key is down')
    return jwksOf([pair, 'one'])
  })
  const token = await sign(claims())
  await expect(verify(token)).rejects.toThrow('api-key is down')
  down = false
  expect(await verify(token)).toBe('u1')
  expect(fetched.times).toBe(2)
})

test('a key that is published no more opens nothing after ten minutes; while nobody tells, the former keys are good', async () => {
  let answer = () => jwksOf([pair, 'one'])
  const { verify, clock } = verifierOf(() => answer())
  const token = await sign(claims({ exp: start / 1000 + 3_600 }))
  expect(await verify(token)).toBe('u1')
  answer = () => Promise.reject(new Error('away'))
  clock.at = start + 600_000
  expect(await verify(token)).toBe('u1')
  answer = () => jwksOf([other, 'two'])
  clock.at = start + 1_199_999
  expect(await verify(token)).toBe('u1')
  clock.at = start + 1_200_000
  await expect(verify(token)).rejects.toMatchObject(invalid)
})
