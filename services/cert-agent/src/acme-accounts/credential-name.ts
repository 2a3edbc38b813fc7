/** Of an account's key at the broker, where names are the project's own: never one that is there already. */
export const credentialNameOf = (name: string, credentialId: string): string =>
  `ACME account ${name} (${credentialId.slice(0, 8)})`
