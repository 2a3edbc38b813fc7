/** What a code means to a caller. `retryable: false` also makes a Temporal activity failure non-retryable. */
interface CodeMeaning {
  status: number
  title: string
  retryable: boolean
}

const final = (status: number, title: string): CodeMeaning => ({ status, title, retryable: false })
const transient = (status: number, title: string): CodeMeaning => ({ status, title, retryable: true })

/** Every error code of the platform. Codes are stable: clients match on them. */
export const errorCodes = {
  malformed_json: final(400, 'The body is not valid JSON'),
  invalid_request: final(400, 'The request is not valid'),
  missing_credentials: final(401, 'Credentials are missing'),
  missing_api_key: final(401, 'X-API-Key is missing'),
  malformed_api_key: final(401, 'The API key is malformed'),
  unknown_api_key: final(401, 'The API key is not known'),
  revoked_api_key: final(401, 'The API key was revoked'),
  expired_api_key: final(401, 'The API key has expired'),
  invalid_session: final(401, 'The session is not valid'),
  invalid_login: final(401, 'E-mail or password is wrong'),
  invalid_internal_key: final(403, 'Invalid or missing X-Internal-Key header'),
  forbidden: final(403, 'Not allowed'),
  outbound_denied: final(403, 'The outbound policy does not allow this target'),
  not_found: final(404, 'Not found'),
  method_not_allowed: final(405, 'Method not allowed'),
  conflict: final(409, 'Conflict'),
  precondition_failed: final(412, 'It was changed meanwhile'),
  credential_expired: final(409, 'The credential has expired'),
  body_too_large: final(413, 'The body is too large'),
  unsupported_media_type: final(415, 'The body must be application/json'),
  check_unavailable: final(409, 'The credential cannot be tested'),
  validation_failed: final(422, 'Validation failed'),
  idempotency_mismatch: final(422, 'The Idempotency-Key was used with another request'),
  template_error: final(422, 'A template could not be rendered'),
  call_rejected: final(422, 'The workflow rejected the call'),
  too_many_requests: transient(429, 'Too many requests'),
  internal_error: transient(500, 'Internal error'),
  run_cancelled: final(409, 'The run was cancelled'),
  decryption_failed: final(500, 'Failed to decrypt credential'),
  step_failed: final(502, 'A step failed'),
  target_unreachable: transient(502, 'The target could not be reached'),
  target_refused: final(502, 'The target refused the request'),
  target_failed: transient(502, 'The target failed'),
  target_answer_too_large: final(502, 'The target answered too much'),
  call_failed: final(502, 'The workflow could not answer the call'),
  // Between projects. Not 403: the caller's run must tell them apart.
  call_not_allowed: final(409, 'The connector does not allow the call'),
  call_loop: final(409, 'The projects would call each other in a ring, or too deep'),
  connector_not_ready: transient(409, 'The connector is not ready'),
  call_suspended: transient(503, 'Calls through the connector are suspended'),
  call_no_worker: transient(503, 'No worker serves the call'),
  target_missing: final(502, 'The target workflow does not exist'),
  invalid_answer: final(502, 'The answer does not fit the interface'),
  vault_unreachable: transient(502, 'The vault could not be reached'),
  vault_sealed: transient(503, 'The vault is sealed'),
  vault_forbidden: final(502, 'The vault refused access'),
  vault_throttled: transient(503, 'The vault limits its requests'),
  vault_secret_not_found: final(502, 'The vault has no such secret'),
  vault_secret_unfit: final(502, 'The secret in the vault does not fit the credential'),
  vault_bad_answer: final(502, 'The vault gave an answer that cannot be used'),
  service_unavailable: transient(503, 'A service is not available'),
  call_timeout: transient(504, 'The call took too long'),
  step_timeout: transient(504, 'A step took too long'),
} as const satisfies Record<string, CodeMeaning>

export type ErrorCode = keyof typeof errorCodes
