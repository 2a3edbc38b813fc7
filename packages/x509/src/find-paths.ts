import { type Certificate, isSignedBy } from './certificate.ts'
import { chainLengthMax, chainSearchStepsMax } from './limits.ts'
import { isSameName } from './names.ts'

/** How a path upwards from the leaf ends. */
export type PathEnd = 'trusted' | 'self_signed' | 'issuer_missing' | 'bad_signature' | 'too_long'

export interface Path {
  /** From the leaf up to where the path ends; each is signed by the next. */
  certificates: Certificate[]
  end: PathEnd
}

/**
 * Every way up from the leaf, those over trusted and over self-signed certificates first. No path holds one name with one
 * key twice, so authorities that signed each other in a circle end, and the search takes a bounded number of steps.
 */
export function* findPaths(
  leaf: Certificate,
  pool: readonly Certificate[],
  trusted: ReadonlySet<string>,
): Generator<Path> {
  let stepsLeft = chainSearchStepsMax
  const isIssuer = rememberSignatures()
  const rank = (certificate: Certificate): number =>
    (trusted.has(certificate.fingerprint) ? 2 : 0) + (isIssuer(certificate, certificate) ? 1 : 0)

  function* climb(path: Certificate[]): Generator<Path> {
    stepsLeft -= 1
    if (stepsLeft < 0) return
    const last = path[path.length - 1] as Certificate
    if (trusted.has(last.fingerprint)) return yield { certificates: path, end: 'trusted' }
    if (isIssuer(last, last)) return yield { certificates: path, end: 'self_signed' }
    if (path.length >= chainLengthMax) return yield { certificates: path, end: 'too_long' }
    const named = pool.filter((one) => isSameName(last.issuer, one.subject) && !path.some(isLike(one)))
    const issuers = named.filter((one) => isIssuer(one, last)).sort((one, other) => rank(other) - rank(one))
    if (issuers.length === 0)
      yield { certificates: path, end: named.length > 0 ? 'bad_signature' : 'issuer_missing' }
    for (const issuer of issuers) yield* climb([...path, issuer])
  }
  yield* climb([leaf])
}

const isLike =
  (one: Certificate) =>
  (other: Certificate): boolean =>
    one === other ||
    (isSameName(one.subject, other.subject) &&
      one.publicKey !== undefined &&
      other.publicKey?.equals(one.publicKey) === true)

/** Checking a signature is the dear part of the search; each pair is checked once. */
function rememberSignatures(): (issuer: Certificate, certificate: Certificate) => boolean {
  const known = new Map<string, boolean>()
  return (issuer, certificate) => {
    if (!isSameName(certificate.issuer, issuer.subject)) return false
    const pair = `${issuer.fingerprint} ${certificate.fingerprint}`
    const answer = known.get(pair) ?? isSignedBy(certificate, issuer)
    known.set(pair, answer)
    return answer
  }
}
