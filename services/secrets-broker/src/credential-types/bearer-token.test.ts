import { expect, test } from '@jest/globals'
import { bearerToken } from './bearer-token.ts'

test('bearer_token takes a token and redacts it', () => {
  const secret = bearerToken.secret.parse({ token: 'eyJhbGciOi.J9-_~+/=' })
  expect(bearerToken.secretsToRedact(secret as never)).toEqual(['eyJhbGciOi.J9-_~+/='])
})

test('bearer_token refuses what could end the header or add another', () => {
  for (const token of ['abcd efgh', 'abcd\r\nX-Other: 1', 'abcd\u00e9', 'abcd\u007f', 'abc'])
    expect(bearerToken.secret.safeParse({ token }).success).toBe(false)
})
