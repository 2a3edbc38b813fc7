import { z } from 'zod'
import { calledUrlSettings, checkCalledUrl, isOnSameHost, sameHostFault } from './called-url.ts'
import { defineConnectorKind } from './define-connector-kind.ts'
import { withFixed, withHeaders } from './set-fields.ts'
import { httpCredentials } from './settings-fields.ts'

export const externalAgent = defineConnectorKind({
  kind: 'external_agent',
  title: 'Agent',
  description: 'A program elsewhere that takes a JSON input and answers a JSON output.',
  settings: z.object(calledUrlSettings).strict().refine(isOnSameHost, sameHostFault),
  address: ['url', 'health_url'],
  credentials: httpCredentials,
  stepTypes: ['agent.call'],
  apply: ({ url, headers }, input) => withFixed(withHeaders(input, headers), { url }),
  check: checkCalledUrl,
})
