import type { CheckFault } from '@opsconductor/contracts'
import { AppError, type ErrorCode } from '@opsconductor/errors'

const faultOfCode: Partial<Record<ErrorCode, CheckFault>> = {
  outbound_denied: 'outbound_denied',
  step_timeout: 'target_timeout',
  target_unreachable: 'target_unreachable',
  target_failed: 'target_failed',
  target_refused: 'target_refused',
  target_answer_too_large: 'target_refused',
  // A header or URL that HTTP does not allow: the check's URL was held against the contract, so the credential made it.
  validation_failed: 'credential_unusable',
  step_failed: 'credential_unusable',
}

/** A step's error as the check's answer; undefined where it is a defect of ours. */
export function toFault(error: unknown): { code: CheckFault; message: string } | undefined {
  if (!(error instanceof AppError)) return undefined
  const code = specialFault(error) ?? faultOfCode[error.code]
  return code && { code, message: error.message }
}

/** What the error's code alone does not say. */
function specialFault({ code, internal }: AppError): CheckFault | undefined {
  if (internal?.refusedCredential === true) return 'credential_refused'
  if (code === 'target_unreachable' && internal?.tls === true) return 'tls_failed'
  if (code === 'target_unreachable' && internal?.timedOut === true) return 'target_timeout'
  if (code !== 'step_failed' || typeof internal?.code !== 'string') return undefined
  // The database's word about the statement.
  return 'target_refused'
}
