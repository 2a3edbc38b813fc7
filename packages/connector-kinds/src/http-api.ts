import { z } from 'zod'
import { baseUrlSettings, checkBelowBase } from './base-url.ts'
import { defineConnectorKind } from './define-connector-kind.ts'
import { pathBelow } from './path-below.ts'
import { withHeaders } from './set-fields.ts'
import { httpCredentials } from './settings-fields.ts'

export const httpApi = defineConnectorKind({
  kind: 'http_api',
  title: 'HTTP API',
  description: 'An API over HTTP; steps name paths below its base URL.',
  settings: z.object(baseUrlSettings).strict(),
  address: ['base_url'],
  credentials: httpCredentials,
  stepTypes: ['http.get', 'http.post', 'http.put', 'http.patch', 'http.delete'],
  apply: ({ base_url, headers }, input) => ({
    ...withHeaders(input, headers),
    url: pathBelow(base_url, input.url),
  }),
  check: checkBelowBase,
})
