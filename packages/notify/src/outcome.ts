/** What came of one try. */
export interface Outcome {
  state: 'delivered' | 'again' | 'refused'
  /** For a person; empty where it was delivered. */
  why: string
  messageRefused?: boolean
  retryAfterMs?: number | undefined
}
