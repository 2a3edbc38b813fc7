import { expect, test } from '@jest/globals'
import { SecretValue } from '@opsconductor/redact'
import type { StepTools } from '../../step-types/define-step-type.ts'
import type { HttpRequest } from '../exchange.ts'
import { accessToken } from './oauth2.ts'
import { createTokenCache } from './token-cache.ts'

test('a step that takes any certificate of its target still sends the client secret to nobody unknown', async () => {
  const asked: HttpRequest[] = []
  const tools: Pick<StepTools, 'http' | 'accessTokens' | 'alsoRedact' | 'signal'> = {
    async http(request) {
      asked.push(request)
      return { status: 200, headers: {}, body: { access_token: 't-0123', token_type: 'bearer' } }
    },
    accessTokens: createTokenCache(),
    alsoRedact: () => {},
    signal: AbortSignal.timeout(5_000),
  }
  const credential = {
    id: 'c',
    type: 'oauth2_client',
    secret: { client_secret: new SecretValue('s-0123') },
    extra: { token_url: 'https://login.example.com/token', client_id: 'ops' },
    http: null,
  }
  const proxy = new URL('http://proxy.example.com:3128/')
  const { text } = await accessToken(credential, tools as StepTools, { verify: false, proxy })
  expect(text).toBe('t-0123')
  expect(asked.map(({ connection }) => connection)).toEqual([{ verify: true, proxy }])
})
