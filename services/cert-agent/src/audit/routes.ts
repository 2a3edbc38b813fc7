import { projectOf } from '@opsconductor/auth'
import { AuditRow, ListAudit, pageOf } from '@opsconductor/contracts'
import { type AnyRoute, route, toPage } from '@opsconductor/service-kit'
import { assertUnlimited } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import { toAuditWire } from './wire.ts'

export const auditRoutes = (deps: Deps): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/certificates/audit',
    summary: 'What was done through the API, over SSH and at certificate authorities, newest first.',
    action: 'certificates.audit',
    query: ListAudit,
    answers: { 200: pageOf(AuditRow) },
    async handle({ caller, query }) {
      await assertUnlimited(
        deps,
        caller,
        'An API key that is limited to some servers does not read the log of all.',
      )
      const rows = await deps.audit.list(projectOf(caller), query)
      return {
        status: 200,
        body: toPage(
          rows.map((row) => ({ ...row, id: String(row.id) })),
          query.limit,
          toAuditWire,
        ),
      }
    },
  }),
]
