/** One key that a host may show, or must not. */
export interface KnownHostKey {
  /** As `ssh-ed25519`. */
  keyType: string
  /** Base64 of the SSH wire format. */
  publicKey: string
  /** A host that shows it is refused, whatever else is known. */
  revoked: boolean
  /** It is no host's own key: what it has signed is trusted (`@cert-authority`). */
  isAuthority: boolean
}
