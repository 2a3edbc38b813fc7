import type { KeyObject } from 'node:crypto'
import { type Certificate, isKeyOf, isSignedBy, withoutRepeats } from './certificate.ts'
import { CertificateFault } from './certificate-fault.ts'
import { isSameName } from './names.ts'

/**
 * The certificate that all others are there for: the key's where there is a key, else the only one that has signed no
 * other. Of several of one key, as after a renewal, it is the one that is valid longest. Throws CertificateFault
 * `no_certificate`, `key_mismatch` or `ambiguous_certificate`.
 */
export function findLeaf(certificates: readonly Certificate[], key?: KeyObject): Certificate {
  const all = withoutRepeats(certificates)
  if (all.length === 0) throw new CertificateFault('no_certificate', 'There is no certificate.')
  if (key !== undefined) {
    const own = all.filter((certificate) => isKeyOf(key, certificate)).sort(byEndDescending)
    if (own[0] === undefined)
      throw new CertificateFault('key_mismatch', 'The private key belongs to none of the certificates.')
    return own[0]
  }
  const leaves = all.filter((certificate) => !all.some((other) => isIssuerOf(certificate, other)))
  const [leaf, ...more] = leaves.length === 0 ? all : leaves
  if (leaf === undefined || more.length > 0)
    throw new CertificateFault(
      'ambiguous_certificate',
      'It is not clear which certificate the others are for.',
    )
  return leaf
}

const isIssuerOf = (issuer: Certificate, other: Certificate): boolean =>
  issuer !== other && isSameName(other.issuer, issuer.subject) && isSignedBy(other, issuer)

const byEndDescending = (one: Certificate, other: Certificate): number =>
  other.x509.validToDate.getTime() - one.x509.validToDate.getTime()
