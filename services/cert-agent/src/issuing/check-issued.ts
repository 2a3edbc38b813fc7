import { createPrivateKey } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'
import {
  buildChain,
  type Certificate,
  CertificateFault,
  certificatesToPem,
  describeCertificate,
  findLeaf,
  parsePem,
} from '@opsconductor/x509'
import { canonicalName } from '../acme/identifiers.ts'

export interface Issued {
  /** PEM. */
  certificate: string
  /** PEM, without the certificate and the root; may be empty. */
  chain: string
}

/**
 * What a CA answered as the certificate, once it is seen to be one: for our key and our names, valid now, in a chain that
 * holds. Throws `target_refused`.
 */
export function checkIssued(
  pem: string,
  { key, names, now }: { key: SecretValue; names: readonly string[]; now: Date },
): Issued {
  const certificates = read(pem)
  const privateKey = createPrivateKey(key.reveal())
  const leaf = asRefusal(() => findLeaf(certificates, privateKey))
  const { dns, ip } = describeCertificate(leaf).alternativeNames
  const covered = new Set([...dns, ...ip].map(canonicalName))
  const missing = names.filter((name) => !covered.has(canonicalName(name)))
  if (missing.length > 0)
    throw refused(
      `it is not for ${missing.slice(0, 5).join(', ')}`,
      missing.map((path) => ({ path, message: 'is not in the certificate' })),
    )
  const { ok, chain, faults } = buildChain({
    ...{ leaf, candidates: certificates, key: privateKey, purpose: 'server', now },
  })
  if (!ok) throw refused(faults[0]?.message.slice(0, 300) ?? 'its chain does not hold')
  return { certificate: certificatesToPem([leaf]), chain: certificatesToPem(chain.slice(1)) }
}

/** Whether the certificate that a CA answered is for this key. */
export function isIssuedFor(pem: string, key: SecretValue): boolean {
  try {
    findLeaf(parsePem(pem).certificates, createPrivateKey(key.reveal()))
    return true
  } catch {
    return false
  }
}

function read(pem: string): Certificate[] {
  const { certificates, keys } = asRefusal(() => parsePem(pem))
  if (keys.length > 0) throw refused('there is a private key in it')
  return certificates
}

function asRefusal<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof CertificateFault) throw refused(error.message)
    throw error
  }
}

const refused = (why: string, errors?: { path: string; message: string }[]): AppError =>
  new AppError(
    'target_refused',
    `What the certificate authority issued cannot be used: ${why.replaceAll(/\p{C}+/gu, ' ').replace(/\.$/, '')}.`,
    errors === undefined ? {} : { errors },
  )
