import { IdParams, sealConnectorCredentialsEndpoint, useConnectorEndpoint } from '@opsconductor/contracts'
import { internalRoute, validate } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { sealConnectorCredentials } from './seal-connector-credentials.ts'
import { useConnector } from './use-connector.ts'

/** As rows have it: what is sealed is bound to it. */
const idOf = (params: unknown): string => validate(IdParams, params, 'params').id.toLowerCase()

export const sealConnectorCredentialsRoute = (deps: Deps) =>
  internalRoute(sealConnectorCredentialsEndpoint, ({ params, request, ...actor }) =>
    sealConnectorCredentials(deps, actor, idOf(params), request),
  )

export const useConnectorRoute = (deps: Deps) =>
  internalRoute(useConnectorEndpoint, ({ params, request, ...actor }) =>
    useConnector(deps, actor, idOf(params), request),
  )
