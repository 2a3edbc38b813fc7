/** What is told. It leaves the platform: names, ids and dates only, never the value of a secret. */
export interface Notification {
  /** The same whenever this is told again: receivers know by it that they have it already. */
  id: string
  /** As `secrets.credential_expiring`. */
  type: string
  title: string
  /** For a person; plain text. */
  text: string
  facts: Record<string, string | number>
}
