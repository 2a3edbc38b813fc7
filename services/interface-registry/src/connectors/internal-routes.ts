import {
  bindConnectorEndpoint,
  ConnectorReference,
  IdParams,
  resolveConnectorEndpoint,
} from '@opsconductor/contracts'
import { internalRoute, validate } from '@opsconductor/service-kit'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { bindConnector } from './bind-connector.ts'
import { resolveConnector } from './resolve-connector.ts'

const ReferenceParams = z.object({ reference: ConnectorReference })

export const resolveConnectorRoute = (deps: Deps) =>
  internalRoute(resolveConnectorEndpoint, ({ params, request }) =>
    resolveConnector(
      deps,
      request.project_id.toLowerCase(),
      validate(ReferenceParams, params, 'params').reference,
    ),
  )

export const bindConnectorRoute = (deps: Deps) =>
  internalRoute(bindConnectorEndpoint, ({ params, request, caller }) =>
    bindConnector(deps, caller, validate(IdParams, params, 'params').id.toLowerCase(), request),
  )
