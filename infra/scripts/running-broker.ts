import { createInternalClient, type InternalClient } from '@opsconductor/service-kit'
import { StackFault } from '../local/stack-fault.ts'
import { readStackFile } from './running-stack.ts'

/** A client of the secrets broker at SECRETS_BROKER_URL with INTERNAL_KEY; without them, of the running local stack. */
export function connectToBroker(environment: NodeJS.ProcessEnv): InternalClient {
  const stack = readStackFile(environment)
  const url = environment.SECRETS_BROKER_URL ?? stack?.services['secrets-broker']?.internal_url
  const key = environment.INTERNAL_KEY ?? stack?.internal_key
  if (url === undefined || key === undefined)
    throw new StackFault(
      'no stack is running here: start one with npm start, or set SECRETS_BROKER_URL and INTERNAL_KEY',
    )
  return createInternalClient({ urls: { 'secrets-broker': url }, key, timeoutMs: 60_000 })
}
