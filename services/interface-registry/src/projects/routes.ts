import {
  ensureNamespaceEndpoint,
  IdParams,
  namespaceOf,
  retireNamespaceEndpoint,
} from '@opsconductor/contracts'
import { internalRoute, validate } from '@opsconductor/service-kit'
import { ensureNamespace } from '@opsconductor/temporal'
import type { Deps } from '../deps.ts'
import { retireProject } from './retire-project.ts'

export const ensureNamespaceRoute = ({ temporal }: Deps) =>
  internalRoute(ensureNamespaceEndpoint, async ({ params }) => {
    const namespace = namespaceOf(validate(IdParams, params, 'params').id.toLowerCase())
    await ensureNamespace(temporal.connection, namespace)
    return { namespace }
  })

export const retireNamespaceRoute = (deps: Deps) =>
  internalRoute(retireNamespaceEndpoint, async ({ params }) => {
    const projectId = validate(IdParams, params, 'params').id.toLowerCase()
    await retireProject(deps, projectId)
    return { namespace: namespaceOf(projectId) }
  })
