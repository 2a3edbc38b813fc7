import { getCACertificates } from 'node:tls'
import { AppError } from '@opsconductor/errors'

/** Whom a TLS connection trusts. */
export interface Authorities {
  /** Each in PEM. */
  bundles: readonly string[]
  /** Whether those that Node trusts by itself count too. */
  withPublic: boolean
}

/** What is asked of a connection before it is known whom it trusts. */
export interface TrustingConnection {
  /** Undefined: plain text. `verify` is false where any certificate would do. */
  tls: { verify: boolean } | undefined
  /** It carries nothing of the step's credentials, so that their limits do not count. */
  isAnonymous?: boolean
}

export interface CaBundleNamed {
  name: string
  certificates: string
}

/**
 * Whom a connection trusts. `limits`: for each of the step's credentials that is limited to CA bundles, their names.
 * Throws `outbound_denied` where those may not go over such a connection, `step_failed` where one of the bundles is gone.
 */
export async function chooseAuthorities(
  bundlesOfProject: () => Promise<readonly CaBundleNamed[]>,
  limits: readonly (readonly string[])[],
  { tls, isAnonymous = false }: TrustingConnection,
): Promise<Authorities> {
  const [first, ...others] = limits
  if (first === undefined || isAnonymous) {
    const bundles = tls === undefined ? [] : await bundlesOfProject()
    return { bundles: bundles.map(({ certificates }) => certificates), withPublic: true }
  }
  if (tls === undefined) throw denied('it goes over TLS only, and this connection would be plain text')
  if (!tls.verify) throw denied('the certificate of the target must not go unverified')
  const names = first.filter((name) => others.every((limit) => limit.includes(name)))
  if (names.length === 0) throw denied('that of the client certificate names other bundles')
  const known = new Map((await bundlesOfProject()).map(({ name, certificates }) => [name, certificates]))
  return { bundles: names.map((name) => known.get(name) ?? gone(name)), withPublic: false }
}

/** For Node's `ca`; undefined stands for its own. */
export function caOf({ bundles, withPublic }: Authorities): string[] | undefined {
  if (!withPublic) return [...bundles]
  return bundles.length === 0 ? undefined : [...getCACertificates('default'), ...bundles]
}

const denied = (why: string) =>
  new AppError('outbound_denied', `The credential is limited to CA bundles: ${why}.`)

function gone(name: string): never {
  throw new AppError(
    'step_failed',
    `The credential is limited to the CA bundle ${name}, which the project does not have (any more).`,
  )
}
