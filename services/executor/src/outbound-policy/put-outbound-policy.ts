import type { OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { ExecutorDeps } from '../deps.ts'
import { isCidr } from './address-rules.ts'

export async function putOutboundPolicy(
  deps: Pick<ExecutorDeps, 'outboundPolicies' | 'events'>,
  projectId: string,
  by: string,
  policy: OutboundPolicy,
): Promise<OutboundPolicy> {
  const errors = policy.allow.flatMap(({ cidr }, index) =>
    isCidr(cidr)
      ? []
      : [{ path: `body.allow[${index}].cidr`, message: 'must be an IP address or a CIDR like 10.0.0.0/8' }],
  )
  if (errors.length > 0)
    throw new AppError(
      'validation_failed',
      errors
        .map((e) => `${e.path} ${e.message}`)
        .join('; ')
        .slice(0, 1000),
      {
        errors: errors.slice(0, 20),
      },
    )
  await deps.outboundPolicies.put(projectId, policy, by)
  deps.events.outboundPolicySaved({ projectId, rules: policy.allow.length, by })
  return policy
}
