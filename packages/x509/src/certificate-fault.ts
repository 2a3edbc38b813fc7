/** Why something given cannot be read. Stable: callers match on them. */
export type CertificateFaultCode =
  | 'too_large'
  | 'too_many'
  | 'too_much_work'
  | 'malformed_pem'
  | 'malformed_certificate'
  | 'malformed_key'
  | 'malformed_pkcs12'
  | 'unsupported_content'
  | 'unsupported_algorithm'
  | 'unsupported_key'
  | 'weak_key'
  | 'broken_key'
  | 'passphrase_required'
  | 'wrong_passphrase'
  | 'no_certificate'
  | 'no_key'
  | 'ambiguous_certificate'
  | 'key_mismatch'

/** The one error of this package. Its message is for people and quotes neither key nor passphrase. */
export class CertificateFault extends Error {
  readonly code: CertificateFaultCode

  constructor(code: CertificateFaultCode, message: string) {
    super(message)
    this.name = 'CertificateFault'
    this.code = code
  }
}

/** The result of `read`; whatever a parser throws at bad input becomes a fault, which says nothing of the cause. */
export function readOrFault<Result>(code: CertificateFaultCode, message: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (error instanceof CertificateFault) throw error
    throw new CertificateFault(code, message)
  }
}
