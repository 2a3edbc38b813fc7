import { isIP } from 'node:net'
import type { OutboundPolicy, OutboundTarget } from '@opsconductor/contracts'
import { AppError, type FieldError } from '@opsconductor/errors'
import { isCidr } from '@opsconductor/reach'
import type { ExecutorDeps } from '../deps.ts'

export async function putOutboundPolicy(
  deps: Pick<ExecutorDeps, 'outboundPolicies' | 'events'>,
  projectId: string,
  by: string,
  policy: OutboundPolicy,
): Promise<OutboundPolicy> {
  const errors = [
    ...faultsOf('allow', policy.allow),
    ...faultsOf('deny', policy.deny),
    ...faultsOf('only', policy.only),
  ]
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

function faultsOf(list: 'allow' | 'deny' | 'only', targets: readonly OutboundTarget[] = []): FieldError[] {
  return targets.flatMap(({ cidr, host }, index) => {
    const at = `body.${list}[${index}]`
    if (cidr !== undefined && !isCidr(cidr))
      return [{ path: `${at}.cidr`, message: 'must be an IP address or a CIDR like 10.0.0.0/8' }]
    // A rule on a name would not be held against names that resolve to this address.
    if (host !== undefined && isIP(host) > 0)
      return [{ path: `${at}.host`, message: 'is an address: write it as cidr' }]
    return []
  })
}
