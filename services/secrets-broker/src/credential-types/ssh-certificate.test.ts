import { expect, test } from '@jest/globals'
import { parseCredential } from './parse-credential.ts'
import * as keys from './ssh-keys.fixture.ts'
import { faultsOf } from './try-credential.fixture.ts'

const given = (secret: string, certificate: string) => ({
  type: 'ssh_certificate',
  secret,
  extra: { username: 'ada', certificate },
})

test.each([
  ['Ed25519', keys.ed25519Key, keys.ed25519Certificate],
  ['ECDSA', keys.ecdsaPemKey, keys.ecdsaCertificate],
  ['RSA', keys.rsaKey, keys.rsaCertificate],
])(
  'ssh_certificate takes an %s certificate with its key and ends when it ends',
  async (_, key, certificate) => {
    const { expiresAt } = await parseCredential(given(key, certificate))
    expect(expiresAt?.toISOString()).toBe('2035-01-01T00:00:00.000Z')
  },
)

test('ssh_certificate without an end does not expire', async () => {
  const { expiresAt } = await parseCredential(given(keys.ed25519Key, keys.ed25519EndlessCertificate))
  expect(expiresAt).toBeNull()
})

const [name, base64 = ''] = keys.ed25519Certificate.split(' ')
const bytes = Buffer.from(base64, 'base64')
/** Begins and ends at the same second: the times stand before critical options, extensions and what follows. */
const never = Buffer.from(bytes)
const from = Buffer.from('0000000067748580', 'hex')
from.copy(never, bytes.indexOf(from) + 8)

test.each([
  ['another key’s', keys.ecdsaCertificate, 'is not of this private key'],
  ['a host’s', keys.ed25519HostCertificate, 'must be a user certificate'],
  ['a public key', `ssh-ed25519 ${base64}`, 'must be an OpenSSH certificate'],
  ['cut', `${name} ${bytes.subarray(0, 200).toString('base64')}`, 'must be an OpenSSH certificate'],
  [
    'of another type than it says',
    keys.ecdsaCertificate.replace('nistp384', 'nistp256'),
    'must be an OpenSSH',
  ],
  ['valid at no time', `${name} ${never.toString('base64')}`, 'ends before it begins'],
  ['on two lines', keys.ed25519Certificate.replace(' ', '\n'), 'must be one line'],
])('ssh_certificate refuses a certificate that is %s', async (_, certificate, words) => {
  const { secret, extra } = given(keys.ed25519Key, certificate)
  const faults = await faultsOf('ssh_certificate', secret, extra)
  expect(faults[0]).toEqual(['body.extra.certificate', expect.stringContaining(words)])
})

test('ssh_certificate refuses what is wrong with the key as ssh does', async () => {
  const { secret, extra } = given('passw0rd', keys.ed25519Certificate)
  expect(await faultsOf('ssh_certificate', secret, extra)).toEqual([
    ['body.secret', expect.stringContaining('whole private key')],
  ])
})
