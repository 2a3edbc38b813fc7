import { runCheckEndpoint } from '@opsconductor/contracts'
import { type AnyInternalRoute, internalRoute } from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { runCheck } from './run-check.ts'

export const checkInternalRoutes = (deps: ExecutorDeps): AnyInternalRoute[] => [
  internalRoute(runCheckEndpoint, ({ request }) => runCheck(deps.checks, request)),
]
