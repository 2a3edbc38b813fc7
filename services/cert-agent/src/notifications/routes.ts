import { callerLabel, projectOf } from '@opsconductor/auth'
import { CertificateNotifications } from '@opsconductor/contracts'
import { type AnyRoute, route } from '@opsconductor/service-kit'
import { assertUnlimited } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import { putSettings } from './put-settings.ts'

const path = '/api/certificates/notifications'
const limited = 'This API key may manage only the servers it is limited to.'

export const notificationRoutes = (deps: Deps): AnyRoute[] => [
  route({
    method: 'get',
    path,
    summary: 'Whom the project is told of failures and expiry.',
    // Not for who may only read: the address of a webhook is often all that it takes to write to it.
    action: 'certificates.write',
    answers: { 200: CertificateNotifications },
    handle: async ({ caller }) => {
      await assertUnlimited(deps, caller, limited)
      const settings = await deps.notifications.findSettings(projectOf(caller))
      return { status: 200, body: settings ?? CertificateNotifications.parse({}) }
    },
  }),
  route({
    method: 'put',
    path,
    summary: 'Say whom the project is told of failures and expiry; what is left out is given up.',
    action: 'certificates.write',
    body: CertificateNotifications,
    answers: { 200: CertificateNotifications },
    handle: async ({ caller, body }) => {
      await assertUnlimited(deps, caller, limited)
      const by = { projectId: projectOf(caller), actor: callerLabel(caller) }
      return { status: 200, body: await putSettings(deps, by, body) }
    },
  }),
]
