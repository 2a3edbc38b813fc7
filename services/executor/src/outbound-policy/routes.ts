import { callerLabel, projectOf } from '@opsconductor/auth'
import { OutboundPolicy } from '@opsconductor/contracts'
import { type AnyRoute, route } from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { putOutboundPolicy } from './put-outbound-policy.ts'

export const outboundPolicyRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/outbound-policy',
    summary: "What the project's steps may reach beyond the default.",
    action: 'outbound-policy.read',
    answers: { 200: OutboundPolicy },
    handle: async ({ caller }) => ({
      status: 200,
      body: await deps.outboundPolicies.find(projectOf(caller)),
    }),
  }),
  route({
    method: 'put',
    path: '/api/outbound-policy',
    summary: "Replace the project's outbound policy.",
    action: 'outbound-policy.write',
    body: OutboundPolicy,
    answers: { 200: OutboundPolicy },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await putOutboundPolicy(deps, projectOf(caller), callerLabel(caller), body),
    }),
  }),
]
