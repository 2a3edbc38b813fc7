import { z } from 'zod'
import { type CredentialFault, defineCredentialType, secretObject } from './define-credential-type.ts'

const megabyte = 1024 * 1024

const secret = secretObject({
  private_key: z.string().min(1, 'must not be empty').max(megabyte).optional(),
  /** Base64 takes four characters for three bytes. */
  pkcs12: z
    .string()
    .min(1, 'must not be empty')
    .max(megabyte * 1.5)
    .optional(),
  /** It is not kept, so it may be as short as other programs let it be. */
  passphrase: z.string().max(1_000).optional(),
}).superRefine(({ private_key, pkcs12 }, context) => {
  if ((private_key === undefined) === (pkcs12 === undefined))
    context.addIssue({ code: 'custom', message: 'must have either private_key or pkcs12' })
})

/** Lines of a PEM that are long enough to be the key's alone: targets echo them with other line ends. */
const lineLengthMin = 16

/**
 * A client certificate: `private_key` in PEM, or `pkcs12` in Base64, with its `passphrase` where it is encrypted; the
 * certificates stand in `extra`, in the PEM of the key or in the bundle, in any order. Kept are the key in PKCS #8 and the
 * certificate with its chain in their own columns; the passphrase is not.
 */
export const x509 = defineCredentialType({
  type: 'x509',
  title: 'X.509 certificate and private key',
  mainSecret: 'private_key',
  secret,
  extraBytesMax: megabyte,
  extra: z.strictObject({ certificate: z.string().optional(), certificate_chain: z.string().optional() }),
  async normalise(secret, extra) {
    // Loaded where it is used: with its ASN.1 libraries it is a twentieth of the service's memory.
    const { readX509 } = await import('./read-x509.ts')
    const read = await readX509({ ...secret, ...extra }, new Date())
    if ('faults' in read) return { faults: read.faults.map(shorten) }
    return { secret: { private_key: read.privateKey }, extra: {}, certificate: read.columns }
  },
  secretsToRedact: ({ private_key = '' }) =>
    private_key.split('\n').filter((line) => line.length >= lineLengthMin && !line.startsWith('-----')),
  check: { kind: 'tls' },
})

/** Subjects that certificates bring may be as long as they like. */
const shorten = ({ path, message }: CredentialFault): CredentialFault => ({
  path,
  message: message.slice(0, 500),
})
