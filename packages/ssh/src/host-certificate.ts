import ssh2 from 'ssh2'
import type { KnownHostKey } from './known-host-key.ts'
import { readAllStrings, readFields, writeStrings } from './wire-format.ts'

export const certificateSuffix = '-cert-v01@openssh.com'
const hostCertificate = 2n
/** How many strings of a certificate are its public key, by type (OpenSSH's PROTOCOL.certkeys). */
const publicKeyStrings: Readonly<Record<string, number>> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
}
/** What signatures by a key of the type are called; SHA-1 (`ssh-rsa`) is none of them. */
const signatureHashes: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  'ssh-ed25519': { 'ssh-ed25519': undefined },
  'ecdsa-sha2-nistp256': { 'ecdsa-sha2-nistp256': 'sha256' },
  'ecdsa-sha2-nistp384': { 'ecdsa-sha2-nistp384': 'sha384' },
  'ecdsa-sha2-nistp521': { 'ecdsa-sha2-nistp521': 'sha512' },
  'ssh-rsa': { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' },
}

/** An OpenSSH certificate of a user or a host, as PROTOCOL.certkeys describes it. */
export interface SshCertificate {
  /** Of the key that is certified, as `ssh-ed25519`. */
  keyType: string
  /** The certified key in the SSH wire format. */
  publicKey: Buffer
  isHosts: boolean
  principals: string[]
  validFromSeconds: bigint
  validToSeconds: bigint
  criticalOptions: Buffer
  authority: Buffer
  /** What is signed. */
  signed: Buffer
  signature: Buffer
}

export function readCertificate(blob: Buffer): SshCertificate | undefined {
  const [name] = readFields(blob, ['string']) ?? []
  const keyType = String(name).replace(certificateSuffix, '')
  const strings = String(name).endsWith(certificateSuffix) ? publicKeyStrings[keyType] : undefined
  if (strings === undefined) return undefined
  // type, nonce, public key; serial, kind, key id, principals, valid after and before; options, extensions, reserved,
  // who signs, the signature.
  const fields = readFields(blob, [
    ...Array<'string'>(2 + strings).fill('string'),
    ...(['uint64', 'uint32', 'string', 'string', 'uint64', 'uint64'] as const),
    ...Array<'string'>(5).fill('string'),
  ])
  if (fields === undefined) return undefined
  const rest = fields.slice(2 + strings)
  const [, kind, , principalBytes, validFromSeconds, validToSeconds] = rest
  const [criticalOptions, , , authority, signature] = rest.slice(6) as Buffer[]
  const principals = readAllStrings(principalBytes as Buffer)
  if (principals === undefined || signature === undefined) return undefined
  return {
    keyType,
    publicKey: writeStrings(keyType, ...(fields.slice(2, 2 + strings) as Buffer[])),
    isHosts: kind === hostCertificate,
    principals: principals.map(String),
    validFromSeconds: validFromSeconds as bigint,
    validToSeconds: validToSeconds as bigint,
    criticalOptions: criticalOptions as Buffer,
    authority: authority as Buffer,
    signed: blob.subarray(0, blob.length - signature.length - 4),
    signature,
  }
}

/** Why a host's certificate is not to be trusted; undefined where it is. */
export function judgeHostCertificate(
  blob: Buffer,
  { known, host, now }: { known: readonly KnownHostKey[]; host: string; now: Date },
): string | undefined {
  const certificate = readCertificate(blob)
  if (certificate === undefined) return 'it is damaged'
  const isKnown = (key: Buffer, wanted: { revoked: boolean }) =>
    known.some(
      ({ publicKey, revoked, isAuthority }) =>
        publicKey === key.toString('base64') && (wanted.revoked ? revoked : isAuthority && !revoked),
    )
  if (isKnown(certificate.publicKey, { revoked: true })) return 'its key is revoked'
  if (isKnown(certificate.authority, { revoked: true })) return 'its authority is revoked'
  // A host whose own key is trusted needs no certificate, and may show one for others.
  if (isOwnKeyTrusted(certificate.publicKey, known)) return undefined
  if (!isKnown(certificate.authority, { revoked: false })) return 'its authority is not trusted'
  if (!isSignatureGood(certificate)) return 'its signature is wrong'
  if (!certificate.isHosts) return 'it is not of a host'
  if (certificate.criticalOptions.length > 0) return 'it has critical options, which hosts have none of'
  const seconds = BigInt(Math.floor(now.getTime() / 1000))
  if (seconds < certificate.validFromSeconds) return 'it is not valid yet'
  if (seconds >= certificate.validToSeconds) return 'it has expired'
  // OpenSSH takes a certificate without principals for every host; that is what a stolen one would be used for.
  if (!certificate.principals.includes(host.toLowerCase())) return 'it does not name this host'
  return undefined
}

const isOwnKeyTrusted = (key: Buffer, known: readonly KnownHostKey[]): boolean =>
  known.some(
    ({ publicKey, revoked, isAuthority }) => !revoked && !isAuthority && publicKey === key.toString('base64'),
  )

function isSignatureGood({ authority, signed, signature }: SshCertificate): boolean {
  const [type] = readFields(authority, ['string']) ?? []
  const [algorithm, bytes] = (readFields(signature, ['string', 'string']) ?? []) as Buffer[]
  const hashes = signatureHashes[String(type)]
  if (hashes === undefined || bytes === undefined || !Object.hasOwn(hashes, String(algorithm))) return false
  const key = ssh2.utils.parseKey(authority)
  if (key instanceof Error) return false
  const asn1 = String(type).startsWith('ecdsa-') ? ecdsaToAsn1(bytes) : bytes
  return asn1 !== undefined && key.verify(signed, asn1, hashes[String(algorithm)]) === true
}

/** SSH writes r and s as two strings (RFC 5656), OpenSSL as a sequence of two integers; the numbers look the same. */
function ecdsaToAsn1(signature: Buffer): Buffer | undefined {
  const numbers = readAllStrings(signature)
  if (numbers?.length !== 2) return undefined
  const body = Buffer.concat(numbers.flatMap((number) => [Buffer.from([2, number.length]), number]))
  if (numbers.some((number) => number.length === 0 || number.length > 67)) return undefined
  const length = body.length < 128 ? [body.length] : [0x81, body.length]
  return Buffer.concat([Buffer.from([0x30, ...length]), body])
}
