import { z } from 'zod'
import { baseUrlSettings, checkBelowBase } from './base-url.ts'
import { defineConnectorKind } from './define-connector-kind.ts'
import { pathBelow } from './path-below.ts'
import { withHeaders } from './set-fields.ts'
import { httpCredentials } from './settings-fields.ts'

export const datasource = defineConnectorKind({
  kind: 'datasource',
  title: 'Data source',
  description: 'Where data is read over HTTP, by GET or by a query that is sent as POST.',
  settings: z.object(baseUrlSettings).strict(),
  address: ['base_url'],
  credentials: httpCredentials,
  stepTypes: ['http.get', 'http.post'],
  apply: ({ base_url, headers }, input) => ({
    ...withHeaders(input, headers),
    url: pathBelow(base_url, input.url),
  }),
  check: checkBelowBase,
})
