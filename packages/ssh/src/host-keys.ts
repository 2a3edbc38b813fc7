import { createHash } from 'node:crypto'
import { certificateSuffix, judgeHostCertificate } from './host-certificate.ts'
import type { KnownHostKey } from './known-host-key.ts'
import { readFields } from './wire-format.ts'

/** A key that a host has shown. `publicKey`: Base64 of the SSH wire format. */
export interface ShownHostKey {
  keyType: string
  publicKey: string
  fingerprint: string
}

/**
 * What is to be thought of the key that a host shows. `unknown`: nothing is known of the host; `changed`: it is known by
 * other keys; `bad_certificate`: an authority signed a certificate that does not hold, and `why`.
 */
export type HostKeyVerdict =
  | { kind: 'trusted' }
  | { kind: 'unknown' | 'changed' | 'revoked'; shown: ShownHostKey }
  | { kind: 'bad_certificate'; shown: ShownHostKey; why: string }

/** `blob`: what the host shows, a key or a certificate, in the SSH wire format. */
export function judgeHostKey(
  known: readonly KnownHostKey[],
  blob: Buffer,
  { host, now = new Date() }: { host: string; now?: Date },
): HostKeyVerdict {
  const shown = describeHostKey(blob)
  const encoded = blob.toString('base64')
  if (known.some(({ revoked, publicKey }) => revoked && publicKey === encoded))
    return { kind: 'revoked', shown }
  if (shown.keyType.endsWith(certificateSuffix)) {
    const why = judgeHostCertificate(blob, { known, host, now })
    return why === undefined ? { kind: 'trusted' } : { kind: 'bad_certificate', shown, why }
  }
  const own = known.filter(({ revoked, isAuthority }) => !revoked && !isAuthority)
  if (own.some(({ publicKey }) => publicKey === encoded)) return { kind: 'trusted' }
  return { kind: own.length === 0 ? 'unknown' : 'changed', shown }
}

/** The fingerprint is as OpenSSH shows it: Base64 without padding. */
export function describeHostKey(blob: Buffer): ShownHostKey {
  const [type] = readFields(blob, ['string']) ?? []
  return {
    keyType: type === undefined ? '' : type.toString(),
    publicKey: blob.toString('base64'),
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
  }
}

const plainAlgorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]
/** Of RSA keys there are none here: ssh2 compares their certificates' type with the name of the algorithm. */
const certificateAlgorithms = plainAlgorithms
  .filter((algorithm) => !algorithm.startsWith('rsa-'))
  .map((algorithm) => algorithm + certificateSuffix)

const keyTypeOf = (algorithm: string): string => (algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm)

/** In which order to ask for them, so that a host with keys of several types shows the one that is known. No SHA-1. */
export function hostKeyAlgorithms(known: readonly KnownHostKey[]): string[] {
  const types = new Set(
    known.filter(({ revoked, isAuthority }) => !revoked && !isAuthority).map(({ keyType }) => keyType),
  )
  const isKnown = (algorithm: string) => types.has(keyTypeOf(algorithm))
  const hasAuthority = known.some(({ isAuthority, revoked }) => isAuthority && !revoked)
  return [
    ...(hasAuthority ? certificateAlgorithms : []),
    ...plainAlgorithms.filter(isKnown),
    ...plainAlgorithms.filter((algorithm) => !isKnown(algorithm)),
  ]
}
