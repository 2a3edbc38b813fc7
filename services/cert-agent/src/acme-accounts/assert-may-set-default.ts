import type { Caller } from '@opsconductor/auth'
import { assertUnlimited } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'

/** By it the certificates of everybody in the project are issued who names none. */
export const assertMaySetDefault = (
  deps: Pick<Deps, 'clientLimits' | 'audit'>,
  caller: Caller,
): Promise<void> =>
  assertUnlimited(deps, caller, 'An API key that is limited to some servers sets no default account.')
