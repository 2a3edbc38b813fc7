/** What the CA gave for one name, and what is answered to it. */
export interface ChallengeResponse {
  token: string
  /** RFC 8555 section 8.1: `<token>.<thumbprint of the account's key>`, for dns-01 too: never its digest. */
  keyAuthorization: string
}

/** Shows control over the names of one certificate, for one operation. `name` is as the certificate has it. */
export interface Solver {
  /** Throws `validation_failed` where no challenge of the certificate's can show control over the name. */
  choose(name: string): 'http-01' | 'dns-01'
  /** Puts the answer there; may be repeated. What others put there stays. */
  present(name: string, response: ChallengeResponse): Promise<void>
  /** Resolves once whoever the CA asks gives the answer. To be called when all names are presented. */
  visible(name: string, response: ChallengeResponse): Promise<void>
  /**
   * Takes the answer away, and nothing else; whether it was presented or not, also when the operation's signal has
   * fired. Never throws: what is left behind is logged and audited.
   */
  cleanUp(name: string, response: ChallengeResponse): Promise<void>
}
