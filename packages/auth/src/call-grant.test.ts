import { randomUUID } from 'node:crypto'
import { beforeAll, expect, test } from '@jest/globals'
import { type CallGrant, grantIssuer, grantType } from '@opsconductor/contracts'
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'
import { createGrantVerifier } from './call-grant.ts'
import { hashJson } from './hash-json.ts'

const now = 1_800_000_000_000
const [source, target] = [randomUUID(), randomUUID()]
const input = { host: 'db1', ports: [1, 2] }
const granted: CallGrant = {
  connector_id: randomUUID(),
  interface_id: randomUUID(),
  source_project_id: source,
  target_project_id: target,
  operation: 'call',
  run_id: randomUUID(),
  step_id: 'ask',
  item: '',
  input_sha256: hashJson(input),
  chain: [source],
}
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let verifyGrant: ReturnType<typeof createGrantVerifier>

beforeAll(async () => {
  keys = await generateKeyPair('EdDSA')
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' }
  verifyGrant = createGrantVerifier(
    async () => ({ keys: [jwk] }),
    () => now,
  )
})

interface Signed {
  claims?: Record<string, unknown>
  header?: Partial<JWTHeaderParameters>
  issuer?: string
  audience?: string
  expiresInSeconds?: number
  key?: Parameters<SignJWT['sign']>[0]
}

const sign = ({ claims = {}, header, issuer, audience, expiresInSeconds = 60, key }: Signed = {}) =>
  new SignJWT({ ...granted, ...claims })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'k1', typ: grantType, ...header })
    .setIssuer(issuer ?? grantIssuer)
    .setAudience(audience ?? target)
    .setExpirationTime(Math.floor(now / 1000) + expiresInSeconds)
    .sign(key ?? keys.privateKey)

const call = { targetProjectId: target, operation: 'call' as const, input }
const refusal = (message: string) => expect.objectContaining({ code: 'call_not_allowed', message })

test('a grant opens the call it was given for, however its input is written', async () => {
  expect(await verifyGrant(await sign(), call)).toEqual(granted)
  const turned = { ports: [1, 2], host: 'db1' }
  expect(await verifyGrant(await sign(), { ...call, input: turned })).toEqual(granted)
})

test('002.33 a grant for another project, operation or input is refused', async () => {
  const grant = await sign()
  for (const [other, reason] of [
    [{ targetProjectId: source }, 'is for another project'],
    [{ operation: 'query' as const }, 'is for another operation'],
    [{ input: { ...input, host: 'db2' } }, 'is for another input'],
    [{ input: undefined }, 'is for another input'],
  ] as const)
    await expect(verifyGrant(grant, { ...call, ...other })).rejects.toEqual(
      refusal(`The grant of the call ${reason}.`),
    )
  await expect(verifyGrant(await sign({ claims: { target_project_id: source } }), call)).rejects.toEqual(
    refusal('The grant of the call is for another project.'),
  )
})

test('002.33 a grant over its time, of another issuer, type or key is refused', async () => {
  const { privateKey } = await generateKeyPair('EdDSA')
  const hmac = new TextEncoder().encode('a secret that is long enough to be one')
  for (const [signed, reason] of [
    [{ expiresInSeconds: -10 }, 'has expired'],
    [{ issuer: 'somebody' }, 'is not one of ours'],
    [{ header: { typ: 'JWT' } }, 'is not one of ours'],
    [{ key: privateKey }, 'is not one of ours'],
    [{ header: { kid: 'k2' } }, 'is not one of ours'],
    [{ key: hmac, header: { alg: 'HS256' } }, 'is not one of ours'],
    [{ claims: { chain: 'none' } }, 'is not of the contract'],
  ] as const)
    await expect(verifyGrant(await sign(signed), call)).rejects.toEqual(
      refusal(`The grant of the call ${reason}.`),
    )
})

test.each(['', 'x', 'a.b.c', `${'e30.'.repeat(2)}`, '\0', 'x'.repeat(100_000)])(
  '002.33 what is no token at all is refused',
  async (grant) => {
    await expect(verifyGrant(grant, call)).rejects.toEqual(
      refusal('The grant of the call is not one of ours.'),
    )
  },
)
