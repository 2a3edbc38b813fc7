/** What a project is told of. */
export const notificationKinds = [
  'certificate_issue_failed',
  'certificate_renewal_failed',
  'certificate_revocation_failed',
  'certificate_expiring',
  'certificate_expired',
  'deployment_failed',
  'deployment_rolled_back',
  'vhost_mismatch',
  'vhost_unreachable',
  'account_blocked',
] as const
export type NotificationKind = (typeof notificationKinds)[number]

/** It leaves the platform: names, ids and dates only. */
export interface Told {
  projectId: string
  /** `<kind>:<id of what it is about>:<how bad>:<version>`: the same is told once. */
  key: string
  kind: NotificationKind
  title: string
  /** For a person; plain text. */
  text: string
  facts: Record<string, string | number>
}
