import { callerLabel } from '@opsconductor/auth'
import { findOperationEndpoint, IdParams, ListOperations, Operation, pageOf } from '@opsconductor/contracts'
import {
  type AnyInternalRoute,
  type AnyRoute,
  createRateLimit,
  internalRoute,
  type RateLimit,
  route,
  toPage,
  validate,
} from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { cancelOperation } from './cancel-operation.ts'
import { findLoan, findOperation, listOperations } from './find-operation.ts'
import { eventIdOf, watchOperation } from './watch-operation.ts'
import { acceptedOperation, operationToWire } from './wire.ts'

const path = '/api/certificates/operations'

/** A stream that is left open ends by itself, so this bounds how many one client holds too. */
const watchers = { max: 300, windowMs: 60_000, detail: 'Too many operations are watched by this caller.' }

export function operationRoutes(deps: Deps): AnyRoute[] {
  const watching = createRateLimit(watchers)
  return [...readingRoutes(deps), watchRoute(deps, watching), cancelRoute(deps)]
}

const readingRoutes = (deps: Deps): AnyRoute[] => [
  route({
    method: 'get',
    path,
    summary: 'What was asked for, by somebody or by a schedule, newest first.',
    action: 'certificates.read',
    query: ListOperations,
    answers: { 200: pageOf(Operation) },
    handle: async ({ caller, query }) => {
      const rows = await listOperations(deps, caller, query)
      return { status: 200, body: toPage(rows, query.limit, operationToWire) }
    },
  }),
  route({
    method: 'get',
    path: `${path}/{id}`,
    summary: 'One operation: how far it is, or how it ended.',
    action: 'certificates.read',
    params: IdParams,
    answers: { 200: Operation },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: operationToWire(await findOperation(deps, caller, params.id)),
    }),
  }),
]

const watchRoute = (deps: Deps, watching: RateLimit): AnyRoute =>
  route({
    method: 'get',
    path: `${path}/{id}/events`,
    summary: 'The operation as server-sent events: now, and whenever it went on, until it has ended.',
    action: 'certificates.read',
    params: IdParams,
    answers: { 200: null, 204: null },
    handle: async ({ caller, params, signal, header }) => {
      watching.take(callerLabel(caller))
      const operation = await findOperation(deps, caller, params.id)
      const told = header('last-event-id')
      // An EventSource, which asks again whenever a stream ends, is through with it (HTML, section 9.2.3).
      if (operation.finishedAt !== null && told === eventIdOf(operation)) return { status: 204 }
      return {
        status: 200,
        // Gateways that gather what they pass on would keep it back.
        headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' },
        content: watchOperation(deps, operation, { gone: signal, told }),
      }
    },
  })

const cancelRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'post',
    path: `${path}/{id}/cancel`,
    summary: 'Stop an operation; what it began on a server is taken back first.',
    action: 'certificates.operate',
    params: IdParams,
    answers: { 202: Operation },
    handle: async ({ caller, params }) => {
      const operation = await cancelOperation(deps, caller, params.id)
      return acceptedOperation(operation)
    },
  })

export const operationInternalRoutes = (deps: Deps): AnyInternalRoute[] => [
  internalRoute(findOperationEndpoint, ({ params }) =>
    findLoan(deps, validate(IdParams, params, 'params').id),
  ),
]
