import type { findOperationEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { Settings } from './store.ts'

/** What signs, addresses and logs in. */
const credentialsOf = ({ webhooks, chats, emails }: Settings): string[] => [
  ...webhooks.flatMap(({ credential }) => credential ?? []),
  ...chats.map(({ credential }) => credential),
  ...(emails === null ? [] : [emails.credential]),
]

/** A notification borrows under its own id, while it is being sent; undefined where none is under this id. */
export async function findNotificationLoan(
  { notifications, now }: Pick<Deps, 'notifications' | 'now'>,
  id: string,
): Promise<z.infer<typeof findOperationEndpoint.answer> | undefined> {
  const sending = await notifications.findSending(id, now())
  if (sending === undefined) return undefined
  const { projectId, settings } = sending
  return {
    project_id: projectId,
    running: true,
    credentials: settings === undefined ? [] : credentialsOf(settings),
  }
}
