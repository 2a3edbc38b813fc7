/** What a TLS connection to a virtual host showed. */
export interface Seen {
  /** Lower-case hexadecimal. */
  serial: string
  issuer: string
  notBefore: Date
  notAfter: Date
  /** What the certificate is for. */
  names: string[]
  /** `TLSv1.2` or `TLSv1.3`. */
  protocol: string
  chainValid: boolean
  nameMatches: boolean
  /** Why clients would refuse it, for a person. */
  reasons: string[]
  isValidFor(name: string): boolean
}
