import { expect, test } from '@jest/globals'
import { bearerToken } from './bearer-token.ts'
import { lendable } from './lend.ts'
import { faultPaths } from './try-credential.fixture.ts'

const token = 'eyJhbGciOi.J9-_~+/='

test('001.07c bearer_token takes a token, sends it as Authorization and has it redacted', async () => {
  expect(await faultPaths('bearer_token', { token })).toEqual([])
  expect(lendable('bearer_token', { token }, {})).toEqual({
    redact: [token],
    http: { headers: { authorization: `Bearer ${token}` }, query: {} },
  })
})

test('bearer_token refuses what could end the header or add another', () => {
  for (const wrong of ['abcd efgh', 'abcd\r\nX-Other: 1', 'abcd\u00e9', 'abcd\u007f', 'abc'])
    expect(bearerToken.secret.safeParse({ token: wrong }).success).toBe(false)
})
