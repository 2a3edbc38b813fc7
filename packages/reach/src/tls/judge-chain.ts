import type { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls'

/** One reason why clients would refuse the server. Codes are stable. */
export interface TlsReason {
  code:
    | 'expired'
    | 'not_yet_valid'
    | 'self_signed'
    | 'root_not_trusted'
    | 'issuer_missing'
    | 'signature_wrong'
    | 'not_for_servers'
    | 'too_weak'
    | 'chain_not_valid'
    | 'name_mismatch'
  message: string
}

export interface TlsVerdict {
  chainValid: boolean
  nameMatches: boolean
  reasons: TlsReason[]
}

/** What OpenSSL found wrong with the chain, by its code. It names one fault; dates and name are looked at by ourselves. */
const chainFaults: Readonly<Record<string, TlsReason>> = {
  CERT_HAS_EXPIRED: { code: 'expired', message: 'A certificate of the chain has expired.' },
  CERT_NOT_YET_VALID: { code: 'not_yet_valid', message: 'A certificate of the chain is not valid yet.' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { code: 'self_signed', message: 'The certificate is signed by itself.' },
  SELF_SIGNED_CERT_IN_CHAIN: {
    code: 'root_not_trusted',
    message: 'The chain ends at an authority that is not trusted here.',
  },
  ...issuerMissing('UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'),
  ...issuerMissing('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
  CERT_SIGNATURE_FAILURE: { code: 'signature_wrong', message: 'A signature of the chain is wrong.' },
  INVALID_PURPOSE: { code: 'not_for_servers', message: 'The certificate is not made for servers.' },
  EE_KEY_TOO_SMALL: { code: 'too_weak', message: 'A key of the chain is too weak.' },
  CA_KEY_TOO_SMALL: { code: 'too_weak', message: 'A key of the chain is too weak.' },
  CA_MD_TOO_WEAK: { code: 'too_weak', message: 'A signature of the chain is made by a weak method.' },
}

function issuerMissing(...codes: string[]): Record<string, TlsReason> {
  const message =
    'The issuer of a certificate is not known: its authority is not trusted here, or the server leaves out what lies between.'
  return Object.fromEntries(codes.map((code) => [code, { code: 'issuer_missing', message }]))
}

/** Whether clients that trust what the project trusts would accept the server under this name, and why not. */
export function judgeChain(
  socket: TLSSocket,
  chain: readonly X509Certificate[],
  name: string,
  now: Date,
): TlsVerdict {
  const code = codeOf(socket.authorizationError)
  const nameMatches = isValidFor(socket.getPeerCertificate(), name)
  const reasons: TlsReason[] = chain.flatMap((certificate) => dateFaults(certificate, now))
  if (code !== undefined)
    reasons.push(
      chainFaults[code] ?? { code: 'chain_not_valid', message: `The chain is not valid (${code}).` },
    )
  if (!nameMatches)
    reasons.push({ code: 'name_mismatch', message: `The certificate is not for ${name.slice(0, 255)}.` })
  const byCode = new Map(reasons.toReversed().map((reason) => [reason.code, reason]))
  return { chainValid: socket.authorized, nameMatches, reasons: [...byCode.values()].toReversed() }
}

export const isValidFor = (certificate: PeerCertificate, name: string): boolean =>
  checkServerIdentity(name, certificate) === undefined

/** Node sets it to the code, whatever its type says. */
function codeOf(error: unknown): string | undefined {
  if (error === null || error === undefined) return undefined
  return String((error as { code?: unknown }).code ?? error).slice(0, 100)
}

function dateFaults({ validFromDate, validToDate }: X509Certificate, now: Date): TlsReason[] {
  if (validToDate < now) return [chainFaults.CERT_HAS_EXPIRED as TlsReason]
  return validFromDate > now ? [chainFaults.CERT_NOT_YET_VALID as TlsReason] : []
}
