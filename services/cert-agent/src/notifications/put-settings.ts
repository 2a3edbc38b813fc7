import type { CertificateNotifications } from '@opsconductor/contracts'
import type { z } from 'zod'
import { resolveCredential } from '../credentials/resolve-credential.ts'
import type { Deps } from '../deps.ts'
import type { Settings } from './store.ts'

type Request = z.infer<typeof CertificateNotifications>

/** Credentials are kept by their ids. Throws `validation_failed` where one is not there, or of another type. */
export async function putSettings(
  deps: Pick<Deps, 'internal' | 'notifications' | 'audit'>,
  { projectId, actor }: { projectId: string; actor: string },
  request: Request,
): Promise<Settings> {
  const idOf = (reference: string, path: string, type: string) =>
    resolveCredential(deps, projectId, { reference, path: `body.${path}`, taken: [type] })
  const { webhooks, chats, emails } = request
  const settings: Settings = {
    ...request,
    webhooks: await Promise.all(
      webhooks.map(async ({ url, credential }, at) => ({
        url,
        credential:
          credential === null ? null : await idOf(credential, `webhooks[${at}].credential`, 'webhook_secret'),
      })),
    ),
    chats: await Promise.all(
      chats.map(async ({ credential }, at) => ({
        credential: await idOf(credential, `chats[${at}].credential`, 'custom'),
      })),
    ),
    emails: emails && { ...emails, credential: await idOf(emails.credential, 'emails.credential', 'smtp') },
  }
  await deps.notifications.putSettings(projectId, settings, actor)
  // Addresses of webhooks may hold tokens.
  const counts = { webhooks: webhooks.length, chats: chats.length, emails: emails?.to.length ?? 0 }
  await deps.audit.record({
    projectId,
    actor,
    action: 'notifications.update',
    outcome: 'succeeded',
    detail: counts,
  })
  return settings
}
