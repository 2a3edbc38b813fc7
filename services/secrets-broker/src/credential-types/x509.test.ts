import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { findLeaf, parsePem, writePkcs12 } from '@opsconductor/x509'
import { extraWithCertificate } from './extra-with-certificate.ts'
import { lendable } from './lend.ts'
import { parseCredential } from './parse-credential.ts'
import { faultPaths, faultsOf } from './try-credential.fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'x509-type-'))
afterAll(() => rmSync(directory, { recursive: true }))

function openssl(...args: string[]): string {
  execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  return readFileSync(join(directory, args[args.indexOf('-out') + 1] as string), 'utf8')
}

/** A certificate of the program openssl, signed by `issuer` or by itself. */
function make(
  name: string,
  extensions: string,
  issuer?: string,
  days = 30,
): { certificate: string; key: KeyObject } {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  writeFileSync(join(directory, `${name}.key`), key.export({ format: 'pem', type: 'pkcs8' }))
  writeFileSync(join(directory, `${name}.ext`), extensions)
  openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`)
  const signer =
    issuer === undefined ? ['-signkey', `${name}.key`] : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`]
  const common = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-set_serial', '7', '-days', String(days)]
  return { key, certificate: openssl('x509', '-req', ...common, ...signer, '-out', `${name}.pem`) }
}

const ca = 'basicConstraints=critical,CA:TRUE'
const root = make('root', ca)
const intermediate = make('intermediate', ca, 'root')
const leaf = make('leaf', 'subjectAltName=DNS:client.example.com', 'intermediate')
const keyPem = leaf.key.export({ format: 'pem', type: 'pkcs8' }).toString()
const both = intermediate.certificate + root.certificate
const notAfter = new X509Certificate(leaf.certificate).validToDate

const bundle = (passphrase: string): string => {
  const { certificates } = parsePem(leaf.certificate + both)
  const certificate = findLeaf(certificates, leaf.key)
  const chain = certificates.filter((one) => one !== certificate)
  return writePkcs12({ key: leaf.key, certificate, chain, passphrase }).toString('base64')
}

test('000.22 000.27 key and certificates in any shape are kept as the same four columns and one PEM key', async () => {
  const encrypted = leaf.key
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'pw' })
    .toString()
  const shapes: [string | Record<string, string>, Record<string, string>, string][] = [
    [{ private_key: keyPem }, { certificate: leaf.certificate, certificate_chain: both }, 'pem'],
    [{ private_key: keyPem }, { certificate: both + leaf.certificate }, 'pem'],
    [{ private_key: root.certificate + keyPem + leaf.certificate + intermediate.certificate }, {}, 'pem'],
    [keyPem, { certificate: leaf.certificate, certificate_chain: intermediate.certificate }, 'pem'],
    [{ private_key: encrypted, passphrase: 'pw' }, { certificate: leaf.certificate + both }, 'pem'],
    [{ pkcs12: bundle('pw'), passphrase: 'pw' }, {}, 'pkcs12'],
    [
      { pkcs12: bundle('pw').replace(/.{64}/g, '$&\n'), passphrase: 'pw' },
      { certificate_chain: both },
      'pkcs12',
    ],
  ]
  for (const [secret, extra, certificateFormat] of shapes) {
    const parsed = await parseCredential({ type: 'x509', secret, extra })
    expect(createPrivateKey(parsed.secret.private_key as string).equals(leaf.key)).toBe(true)
    expect(parsed).toEqual({
      secret: { private_key: keyPem },
      extra: {},
      expiresAt: notAfter,
      certificate: {
        certificate: new X509Certificate(leaf.certificate).toString(),
        certificateChain: new X509Certificate(intermediate.certificate).toString(),
        certificateFormat,
        certificateExpiresAt: notAfter,
      },
    })
  }
})

test('000.22 what is kept can be given again, as when only a part is changed', async () => {
  const { secret, extra, certificate } = await parseCredential({
    type: 'x509',
    secret: { pkcs12: bundle('pw'), passphrase: 'pw' },
    extra: {},
  })
  const again = await parseCredential({
    type: 'x509',
    secret,
    extra: extraWithCertificate({ extra, ...certificate }),
  })
  expect(again).toMatchObject({ secret, certificate: { ...certificate, certificateFormat: 'pem' } })
})

test('000.22 a self-signed certificate needs no chain', async () => {
  const alone = make('alone', 'subjectAltName=DNS:alone.example.com')
  const private_key = alone.key.export({ format: 'pem', type: 'sec1' }).toString()
  const parsed = await parseCredential({
    type: 'x509',
    secret: { private_key },
    extra: { certificate: alone.certificate },
  })
  expect(parsed.certificate).toMatchObject({ certificate: alone.certificate, certificateChain: null })
})

const rootKey = root.key.export({ format: 'pem', type: 'pkcs8' }).toString()
const { certificate } = leaf
const expired = make('expired', '', 'intermediate', -1)
const expiredKey = expired.key.export({ format: 'pem', type: 'pkcs8' }).toString()

test.each<[string, Record<string, string>, Record<string, unknown>, string, string]>([
  ['neither key nor bundle', {}, { certificate }, 'secret', 'either private_key or pkcs12'],
  ['both', { private_key: keyPem, pkcs12: bundle('pw') }, {}, 'secret', 'either private_key or pkcs12'],
  ['no certificate', { private_key: keyPem }, {}, 'secret.private_key', 'no certificate'],
  ['another key', { private_key: rootKey }, { certificate }, 'extra.certificate', 'belongs to none'],
  [
    'a missing link',
    { private_key: keyPem },
    { certificate: certificate + root.certificate },
    'extra.certificate',
    'CN=intermediate',
  ],
  [
    'an expired certificate',
    { private_key: expiredKey },
    { certificate: expired.certificate },
    'extra.certificate',
    'expired at',
  ],
  ['text', { private_key: keyPem }, { certificate: 'hello' }, 'extra.certificate', 'no PEM'],
  [
    'a cut chain',
    { private_key: keyPem },
    { certificate, certificate_chain: both.slice(0, -9) },
    'extra.certificate_chain',
    'no end',
  ],
  [
    'a key in public',
    { private_key: keyPem },
    { certificate: certificate + keyPem },
    'extra.certificate',
    'must not be here',
  ],
  ['two keys', { private_key: keyPem + rootKey }, { certificate }, 'secret.private_key', 'more than one'],
  ['no key', { private_key: certificate }, {}, 'secret.private_key', 'no private key'],
  ['no passphrase', { pkcs12: bundle('pw') }, {}, 'secret.passphrase', 'does not open'],
  ['a wrong one', { pkcs12: bundle('pw'), passphrase: 'PW' }, {}, 'secret.passphrase', 'does not open'],
  ['no base64', { pkcs12: 'a-b_' }, {}, 'secret.pkcs12', 'not Base64'],
  ['no bundle', { pkcs12: 'AAAA' }, {}, 'secret.pkcs12', 'damaged'],
])(
  '000.22 x509 refuses %s, naming the field and quoting nothing secret',
  async (_, secret, extra, path, words) => {
    const faults = await faultsOf('x509', secret, extra)
    expect(faults).toEqual([[`body.${path}`, expect.stringContaining(words)]])
    for (const line of keyPem.split('\n').slice(1, 4)) expect(JSON.stringify(faults)).not.toContain(line)
  },
)

test('000.22 every part that is wrong is named at once', async () => {
  expect(
    await faultPaths('x509', { private_key: 'a' }, { certificate: 'b', certificate_chain: 'c' }),
  ).toEqual(['body.secret.private_key', 'body.extra.certificate', 'body.extra.certificate_chain'])
})

test('000.22 the key is removed from what targets echo, whole and line by line; no passphrase is kept', () => {
  const { redact, http } = lendable('x509', { private_key: keyPem }, {})
  const lines = keyPem.trim().split('\n').slice(1, -1)
  expect(redact).toEqual([keyPem, ...lines])
  expect(http).toBeNull()
})
