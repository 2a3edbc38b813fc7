import { AppError } from '@opsconductor/errors'
import { type Reply, requestFacts, send } from '@opsconductor/service-kit'
import type { RequestHandler } from 'express'
import type { Deps } from '../deps.ts'
import { admit } from './admit.ts'
import { answerCall } from './answer-call.ts'
import { readInput } from './call-input.ts'
import { readRunStatus } from './run-status.ts'

const runStatusPath = /^\/_runs\/([0-9a-f-]{36})$/

/** `/api/v1/{hash}{path}`: every published interface, and the status of the runs that its callers started. */
export const publicCalls =
  (deps: Deps): RequestHandler =>
  async (request, response) => {
    response.locals.route = '/api/v1/{hash}'
    const [, hash = '', path = ''] = /^\/([^/]*)(.*)$/s.exec(request.path) ?? []
    try {
      const { target, key } = await admit(deps, hash, request.get('x-api-key'))
      const runId = runStatusPath.exec(path)?.[1]
      const context = { deps, target, key, signal: requestFacts(request, response).signal }
      let reply: Reply
      if (runId !== undefined) {
        assertMethod(request.method, 'GET', response)
        reply = await readRunStatus(context, runId)
      } else {
        if (path !== target.httpPath)
          throw new AppError('not_found', 'There is no interface at this address.')
        assertMethod(request.method, target.httpMethod, response)
        const input = readInput(target, request.query, request.body)
        reply = await answerCall(context, {
          input,
          idempotencyKey: request.get('idempotency-key'),
          setRunId: (id) => response.setHeader('X-Run-Id', id),
        })
      }
      deps.events.callAnswered(String(reply.status))
      await send(response, reply)
    } catch (error) {
      deps.events.callAnswered(error instanceof AppError ? error.code : 'error')
      throw error
    }
  }

function assertMethod(
  method: string,
  allowed: string,
  response: { setHeader(name: string, value: string): unknown },
): void {
  if (method === allowed) return
  response.setHeader('Allow', allowed)
  throw new AppError('method_not_allowed', `This interface takes ${allowed}.`)
}
