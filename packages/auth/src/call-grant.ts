import { CallGrant, type CallOperation, grantIssuer, grantType } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { errors } from 'jose'
import { createTokenVerifier, type FetchJwks } from './fetched-keys.ts'
import { hashJson } from './hash-json.ts'

/** What arrived with the grant, and must be what was granted. */
export interface GrantedCall {
  /** The project that is called. */
  targetProjectId: string
  /** Undefined where only the connector is tested. */
  operation: CallOperation | undefined
  input: unknown
}

/** The call begins a moment after its grant does, and clocks differ. */
const toleranceSeconds = 5

export type VerifyGrant = (grant: string, call: GrantedCall) => Promise<CallGrant>

/**
 * Checks grants of calls between projects against the registry's JWKS. Throws `call_not_allowed` where the grant is
 * forged, over its time, or for another project, operation or input.
 */
export function createGrantVerifier(fetchJwks: FetchJwks, now: () => number = Date.now): VerifyGrant {
  const verify = createTokenVerifier(fetchJwks, now)

  return async function verifyGrant(grant, { targetProjectId, operation, input }) {
    const claims = await verify(grant, {
      issuer: grantIssuer,
      audience: targetProjectId,
      typ: grantType,
      requiredClaims: ['exp'],
      clockTolerance: toleranceSeconds,
    }).catch((error: unknown) => {
      if (error instanceof errors.JOSEError) throw refused(reasonOf(error), error)
      throw error
    })
    const parsed = CallGrant.safeParse(claims)
    if (!parsed.success) throw refused('is not of the contract')
    const granted = parsed.data
    if (granted.target_project_id !== targetProjectId) throw refused('is for another project')
    if (operation !== undefined && granted.operation !== operation) throw refused('is for another operation')
    if (granted.input_sha256 !== hashJson(input ?? null)) throw refused('is for another input')
    return granted
  }
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'has expired'
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
    return 'is for another project'
  return 'is not one of ours'
}

const refused = (reason: string, cause?: unknown) =>
  new AppError('call_not_allowed', `The grant of the call ${reason}.`, { internal: { reason }, cause })
