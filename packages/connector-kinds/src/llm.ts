import { z } from 'zod'
import { defineConnectorKind } from './define-connector-kind.ts'
import { pathBelow } from './path-below.ts'
import { withDefaults, withFixed, withHeaders } from './set-fields.ts'
import { BaseUrl, httpCredentials, SettingHeaders } from './settings-fields.ts'

export const llm = defineConnectorKind({
  kind: 'llm',
  title: 'Language model',
  description: 'A language model behind an API in the style of OpenAI; its base URL usually ends in /v1.',
  settings: z
    .object({
      base_url: BaseUrl,
      headers: SettingHeaders,
      /** Where a step names none. */
      model: z.string().min(1).max(200),
      max_tokens: z.number().int().min(1).max(1_000_000).optional(),
      temperature: z.number().min(0).max(2).optional(),
    })
    .strict(),
  address: ['base_url'],
  credentials: httpCredentials,
  stepTypes: ['llm.call'],
  apply: ({ base_url, headers, ...defaults }, input) =>
    withFixed(withDefaults(withHeaders(input, headers), defaults), { base_url }),
  check: ({ base_url, headers }) => ({
    kind: 'http',
    method: 'GET',
    url: pathBelow(base_url, '/models'),
    ...(headers === undefined ? {} : { headers }),
  }),
})
