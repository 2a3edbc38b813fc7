import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import * as keys from './ssh-keys.fixture.ts'
import { openSshPrivateKey } from './ssh-private-key.ts'
import { faultPaths, faultsOf } from './try-credential.fixture.ts'

const extra = { username: 'ada' }
const passphrase = 'correct horse'
const legacy = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs1',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase,
}) as string

test('001.07a ssh takes a password, a key in OpenSSH or PEM format, encrypted too, or both', async () => {
  const accepted: Record<string, string>[] = [
    { password: 'passw0rd' },
    { private_key: keys.ed25519Key },
    { private_key: `\n${keys.ecdsaPemKey.replaceAll('\n', '\r\n')}`, password: 'passw0rd' },
    { private_key: keys.rsaKey },
    { private_key: keys.encryptedKey, passphrase },
    { private_key: legacy, passphrase },
  ]
  for (const secret of accepted) expect(await faultsOf('ssh', secret, extra)).toEqual([])
  expect(await faultsOf('ssh', 'passw0rd', extra)).toEqual([])
})

const body = keys.ed25519Key.split('\n')
const damaged = body.with(3, [...(body[3] as string)].reverse().join('')).join('\n')
const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

test.each<[string, Record<string, string>, string, string]>([
  ['nothing', {}, 'body.secret', 'password, private_key or both'],
  ['a passphrase alone', { passphrase }, 'body.secret.passphrase', 'with private_key'],
  ['a key as password', { password: keys.ed25519Key }, 'body.secret.password', 'looks like a private key'],
  ['a short password', { password: 'abc' }, 'body.secret.password', 'at least 4'],
  ['no passphrase', { private_key: keys.encryptedKey }, 'body.secret.passphrase', 'is missing'],
  ['no passphrase for PEM', { private_key: legacy }, 'body.secret.passphrase', 'is missing'],
  [
    'a wrong one',
    { private_key: keys.encryptedKey, passphrase: 'wrong' },
    'body.secret.passphrase',
    'not open',
  ],
  ['a wrong one for PEM', { private_key: legacy, passphrase: 'wrong' }, 'body.secret.passphrase', 'not open'],
  ['101 rounds', { private_key: keys.slowKey, passphrase }, 'body.secret.private_key', 'at most 100 rounds'],
  ['a damaged key', { private_key: damaged }, 'body.secret.private_key', 'is damaged'],
  [
    'half a key',
    { private_key: body.slice(0, 3).join('\n') },
    'body.secret.private_key',
    'whole private key',
  ],
  ['PKCS#8', { private_key: pkcs8 }, 'body.secret.private_key', 'ssh-keygen -p'],
  ['a certificate', { private_key: keys.ed25519Certificate }, 'body.secret.private_key', 'whole private key'],
  ['16,385 characters', { private_key: 'x'.repeat(16_385) }, 'body.secret.private_key', '16384'],
])('ssh refuses %s, naming the field', async (_, secret, path, words) => {
  expect(await faultsOf('ssh', secret, extra)).toEqual([[path, expect.stringContaining(words)]])
})

test('ssh looks at a hostile text line by line: none of its lines reaches a pattern that backtracks', async () => {
  const hostile = `-----BEGIN RSA PRIVATE KEY-----\n${'a: b\n'.repeat(3_000)}-----END RSA PRIVATE KEY-----`
  expect(await faultPaths('ssh', { private_key: hostile }, extra)).toEqual(['body.secret.private_key'])
})

test('ssh needs a user name, has every secret part redacted and is not applied to requests', async () => {
  expect(await faultPaths('ssh', 'passw0rd', {})).toEqual(['body.extra.username'])
  const secret = { private_key: keys.encryptedKey, passphrase }
  expect(lendable('ssh', secret, extra)).toEqual({ redact: [keys.encryptedKey, passphrase], http: null })
})

const encrypted = { private_key: keys.encryptedKey, passphrase }

test('opening an encrypted key does not hold up the thread that serves callers', async () => {
  let turned = false
  setImmediate(() => {
    turned = true
  })
  const opened = await openSshPrivateKey(encrypted)
  expect([turned, 'publicKey' in opened]).toEqual([true, true])
})

test('at most 8 encrypted keys wait to be opened; one more is told to come again', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 9 }, () => openSshPrivateKey(encrypted)))
  expect(asked.map(({ status }) => status)).toEqual([...Array(8).fill('fulfilled'), 'rejected'])
  expect(asked[8]).toMatchObject({ reason: { code: 'service_unavailable' } })
})
