import { credentialTopics } from '@opsconductor/contracts'
import type { Notification } from '@opsconductor/notify'
import type { UnsentNotice } from './store.ts'

const dayMs = 86_400_000

const phrases = {
  expiry: { subject: 'Credential', before: 'expires', after: 'has expired' },
  certificate: { subject: 'The certificate of credential', before: 'expires', after: 'has expired' },
  rotation: { subject: 'Credential', before: 'is due for rotation', after: 'is overdue for rotation' },
} as const

/** What is written of a notice, as things stand at `at`; `days_left` is rounded up, and 0 or less when the date has come. */
export function describeNotice(
  { id, credentialId, projectId, name, kind, dueAt }: Omit<UnsentNotice, 'isCurrent'>,
  at: Date,
): Notification {
  const { subject, before, after } = phrases[kind]
  // Adding 0 makes 0 of -0.
  const daysLeft = Math.ceil((dueAt.getTime() - at.getTime()) / dayMs) + 0
  const title =
    daysLeft > 0
      ? `${subject} "${name}" ${before} in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'}`
      : `${subject} "${name}" ${after}`
  return {
    id,
    type: credentialTopics.credentialExpiring,
    title,
    text: `${title} (${dueAt.toISOString()}). Project ${projectId}.`,
    facts: {
      credential_id: credentialId,
      credential_name: name,
      project_id: projectId,
      kind,
      due_at: dueAt.toISOString(),
      days_left: daysLeft,
    },
  }
}
