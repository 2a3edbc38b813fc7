import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { faultPaths, faultsOf } from './try-credential.fixture.ts'

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey
const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8') =>
  key.export({ type, format: 'pem' }) as string
const jwk = (key: KeyObject) => JSON.stringify(key.export({ format: 'jwk' }))
const extra = { directory_url: 'https://acme.example/directory' }
const p256 = ec('P-256')

test('acme_account takes EC P-256 and P-384 and RSA of 2048 bits, as PEM and as JWK', async () => {
  const small = rsa(2048)
  for (const key of [
    pem(p256),
    pem(p256, 'sec1'),
    jwk(p256),
    pem(ec('P-384')),
    pem(small, 'pkcs1'),
    jwk(small),
  ])
    expect(await faultsOf('acme_account', key, extra)).toEqual([])
})

test('acme_account refuses other keys, public ones and encrypted ones', async () => {
  const encrypted = p256.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  }) as string
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (const key of [
    pem(rsa(1024)),
    pem(ec('P-521')),
    pem(generateKeyPairSync('ed25519').privateKey),
    encrypted,
    publicKey.export({ type: 'spki', format: 'pem' }) as string,
    JSON.stringify(publicKey.export({ format: 'jwk' })),
    'not a key',
    '{"kty":',
    '{"kty":"EC","crv":"P-256","d":"AA"}',
    `${pem(p256)}${'x'.repeat(20_000)}`,
  ])
    expect(await faultPaths('acme_account', key, extra)).toEqual(['body.secret'])
})

test('acme_account takes an external account as a whole or not at all', async () => {
  const secret = {
    private_key: pem(p256),
    eab_hmac_key: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W',
  }
  const full = { ...extra, account_url: 'https://acme.example/acct/1', eab_kid: 'kid-1' }
  expect(await faultPaths('acme_account', secret, full)).toEqual([])
  expect(await faultPaths('acme_account', secret, extra)).toEqual(['body.extra.eab_kid'])
  expect(await faultPaths('acme_account', { private_key: pem(p256) }, { ...extra, eab_kid: 'k' })).toEqual([
    'body.secret.eab_hmac_key',
  ])
  expect(await faultPaths('acme_account', pem(p256), { directory_url: 'http://acme.example/' })).toEqual([
    'body.extra.directory_url',
  ])
})

test('acme_account has the whole key redacted, and the private numbers of a JWK', () => {
  const text = jwk(p256)
  expect(lendable('acme_account', { private_key: text }, extra)).toEqual({
    redact: [text, JSON.parse(text).d],
    http: null,
  })
})
