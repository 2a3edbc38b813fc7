import { readFields, writeStrings } from '@opsconductor/ssh/wire-format'
import { z } from 'zod'
import { type CredentialFault, defineCredentialType, secretObject } from './define-credential-type.ts'
import { decodeBase64, plainName } from './field-schemas.ts'
import { sshPassphrase, sshPrivateKey } from './ssh.ts'
import { openSshPrivateKey } from './ssh-private-key.ts'

/** How many strings of a certificate are its public key, by type (PROTOCOL.certkeys). */
const publicKeyStrings = new Map([
  ['ssh-ed25519', 1],
  ['ssh-rsa', 2],
  ['ecdsa-sha2-nistp256', 2],
  ['ecdsa-sha2-nistp384', 2],
  ['ecdsa-sha2-nistp521', 2],
])
const suffix = '-cert-v01@openssh.com'
const userCertificate = 1n
const timeSecondsMax = 8_640_000_000_000n

interface SshCertificate {
  /** As RFC 4253 writes it. */
  publicKey: Buffer
  isUsers: boolean
  validFromSeconds: bigint
  validToSeconds: bigint
}

/** One line of a `-cert.pub` file; undefined where it is none. */
function readCertificate(text: string): SshCertificate | undefined {
  const [name = '', base64 = ''] = text.trim().split(/[ \t]+/, 2)
  const keyType = name.endsWith(suffix) ? name.slice(0, -suffix.length) : ''
  const strings = publicKeyStrings.get(keyType)
  const bytes = decodeBase64(base64)
  if (strings === undefined || bytes === undefined) return undefined
  // type, nonce, public key; serial, type, key id, principals, valid after, valid before; options and what signs it.
  const fields = readFields(bytes, [
    ...Array<'string'>(2 + strings).fill('string'),
    ...(['uint64', 'uint32', 'string', 'string', 'uint64', 'uint64'] as const),
    ...Array<'string'>(5).fill('string'),
  ])
  if (fields === undefined || String(fields[0]) !== name) return undefined
  const publicKey = writeStrings(keyType, ...(fields.slice(2, 2 + strings) as Buffer[]))
  const [, usage, , , validFromSeconds, validToSeconds] = fields.slice(2 + strings) as bigint[]
  return {
    publicKey,
    isUsers: usage === userCertificate,
    validFromSeconds: validFromSeconds as bigint,
    validToSeconds: validToSeconds as bigint,
  }
}

const certificateText = z
  .string()
  .max(12_000)
  .regex(/^[^\r\n]*\s*$/, 'must be one line')
  .superRefine((text, context) => {
    const certificate = readCertificate(text)
    const refuse = (message: string) => context.addIssue({ code: 'custom', message })
    if (certificate === undefined) refuse('must be an OpenSSH certificate, as in a -cert.pub file')
    else if (!certificate.isUsers) refuse('must be a user certificate, not a host certificate')
    else if (certificate.validFromSeconds >= certificate.validToSeconds)
      refuse('is valid at no time: it ends before it begins')
  })

async function faults(
  secret: { private_key: string; passphrase?: string | undefined },
  { certificate }: { certificate: string },
): Promise<CredentialFault[]> {
  const opened = await openSshPrivateKey(secret)
  if ('fault' in opened) return [opened.fault]
  const isItsOwn = readCertificate(certificate)?.publicKey.equals(opened.publicKey)
  return isItsOwn ? [] : [{ path: 'extra.certificate', message: 'is not of this private key' }]
}

export const sshCertificate = defineCredentialType({
  type: 'ssh_certificate',
  title: 'SSH user certificate',
  mainSecret: 'private_key',
  secret: secretObject({ private_key: sshPrivateKey, passphrase: sshPassphrase.optional() }),
  extra: z.strictObject({ username: plainName, certificate: certificateText }),
  faults,
  expiresAt(_, { certificate }) {
    const seconds = readCertificate(certificate)?.validToSeconds
    // Certificates without an end have the greatest number there is.
    return seconds === undefined || seconds > timeSecondsMax ? undefined : new Date(Number(seconds) * 1000)
  },
  check: { kind: 'ssh' },
})
