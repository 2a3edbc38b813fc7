import type { KeyObject } from 'node:crypto'
import { type Certificate, issuerText, withoutRepeats } from './certificate.ts'
import { findPaths, type Path } from './find-paths.ts'
import { type ChainFault, checkPath, type Purpose } from './policies.ts'

export interface ChainRequest {
  leaf: Certificate
  /** What may lie between the leaf and its anchor, in any order; surplus ones do no harm. */
  candidates: readonly Certificate[]
  /** The certificates that are trusted; an empty list trusts nobody. Undefined: nobody has said whom to trust. */
  trust?: readonly Certificate[] | undefined
  now: Date
  /** Host names and IP addresses that the leaf must be valid for. */
  names?: readonly string[] | undefined
  /** The leaf's private key. */
  key?: KeyObject | undefined
  /** What the leaf is to be used for in TLS. */
  purpose?: Purpose | undefined
}

export interface Chain {
  ok: boolean
  /** The leaf first, then each one's issuer, without the root: what a TLS peer sends. */
  chain: Certificate[]
  /** The trusted or self-signed certificate that the chain ends at; it may be the leaf. */
  anchor: Certificate | undefined
  /** The issuer that the chain's last certificate names and nobody has given. */
  missingIssuer: string | undefined
  /** The candidates that the chain has no use for. */
  surplus: Certificate[]
  faults: ChainFault[]
}

const pathsMax = 10
/** The best first. */
const ends = ['trusted', 'self_signed', 'issuer_missing', 'bad_signature', 'too_long']

/**
 * The best chain for the leaf and all that is wrong with it (RFC 5280 section 6, without certificate policies and without
 * revocation). A path without a fault wins over any other, so an expired cross-signature is walked around. Without `trust`
 * the chain may end below its root, as servers keep it, unless a root was given that it does not reach. Never throws.
 */
export function buildChain(request: ChainRequest): Chain {
  const { leaf, trust } = request
  const candidates = withoutRepeats(request.candidates).filter(
    ({ fingerprint }) => fingerprint !== leaf.fingerprint,
  )
  const pool = withoutRepeats([...(trust ?? []), ...candidates])
  const trusted = new Set((trust ?? []).map(({ fingerprint }) => fingerprint))
  const { path, faults } = choosePath(request, pool, trusted)
  const hasEnd = path.end === 'trusted' || path.end === 'self_signed'
  const last = path.certificates[path.certificates.length - 1] as Certificate
  const used = new Set(path.certificates.map(({ fingerprint }) => fingerprint))
  return {
    ok: faults.length === 0,
    chain: hasEnd && isLeftOut(last, leaf, candidates) ? path.certificates.slice(0, -1) : path.certificates,
    anchor: hasEnd ? last : undefined,
    missingIssuer: path.end === 'issuer_missing' ? issuerText(last) : undefined,
    surplus: candidates.filter(({ fingerprint }) => !used.has(fingerprint)),
    faults,
  }
}

function choosePath(
  request: ChainRequest,
  pool: readonly Certificate[],
  trusted: ReadonlySet<string>,
): { path: Path; faults: ChainFault[] } {
  const hasRoot = pool.some((one) => one.x509.issuer === one.x509.subject)
  const rootRequired = request.trust !== undefined || hasRoot
  const judged: { path: Path; faults: ChainFault[] }[] = []
  for (const path of findPaths(request.leaf, pool, trusted)) {
    const faults = checkPath({ ...request, path, trustIsGiven: request.trust !== undefined, rootRequired })
    if (faults.length === 0) return { path, faults }
    if (judged.push({ path, faults }) >= pathsMax) break
  }
  judged.sort(
    (one, other) =>
      ends.indexOf(one.path.end) - ends.indexOf(other.path.end) || one.faults.length - other.faults.length,
  )
  return judged[0] as { path: Path; faults: ChainFault[] }
}

/** The other side has its roots itself; an intermediate that only we trust it may need. */
const isLeftOut = (anchor: Certificate, leaf: Certificate, candidates: readonly Certificate[]): boolean =>
  anchor.fingerprint !== leaf.fingerprint &&
  (anchor.x509.issuer === anchor.x509.subject ||
    !candidates.some(({ fingerprint }) => fingerprint === anchor.fingerprint))
