import { JsonSchema } from '@opsconductor/contracts'
import { z } from 'zod'
import { calledUrlSettings, checkCalledUrl, isOnSameHost, sameHostFault } from './called-url.ts'
import { defineConnectorKind } from './define-connector-kind.ts'
import { withFixed, withHeaders } from './set-fields.ts'
import { httpCredentials } from './settings-fields.ts'

export const tool = defineConnectorKind({
  kind: 'tool',
  title: 'Tool',
  description: 'One function of a system: steps give its arguments.',
  settings: z
    .object({
      ...calledUrlSettings,
      method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
      /** What the arguments must be. */
      input_schema: JsonSchema.optional(),
    })
    .strict()
    .refine(isOnSameHost, sameHostFault),
  jsonSchemas: ['input_schema'],
  address: ['url', 'health_url'],
  credentials: httpCredentials,
  stepTypes: ['tool.call'],
  apply: ({ url, method, input_schema, headers }, input) =>
    withFixed(withHeaders(input, headers), { url, method, input_schema }),
  check: checkCalledUrl,
})
