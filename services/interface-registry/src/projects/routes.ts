import { ensureNamespaceEndpoint, IdParams, namespaceOf } from '@opsconductor/contracts'
import { internalRoute, validate } from '@opsconductor/service-kit'
import { ensureNamespace } from '@opsconductor/temporal'
import type { Deps } from '../deps.ts'

export const ensureNamespaceRoute = ({ temporal }: Deps) =>
  internalRoute(ensureNamespaceEndpoint, async ({ params }) => {
    const namespace = namespaceOf(validate(IdParams, params, 'params').id.toLowerCase())
    await ensureNamespace(temporal.connection, namespace)
    return { namespace }
  })
