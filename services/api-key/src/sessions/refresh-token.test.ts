import { expect, test } from '@jest/globals'
import { hashRefreshToken, newRefreshToken, refreshTokenHashOf } from './refresh-token.ts'

test('a refresh token is 256 random bits, and its hash is found again in a Cookie header', () => {
  const tokens = new Set(Array.from({ length: 200 }, () => newRefreshToken().token))
  expect(tokens.size).toBe(200)
  for (const token of tokens) {
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    expect(refreshTokenHashOf(`theme=dark; oc_refresh=${token}; x=1`)).toBe(hashRefreshToken(token))
  }
})

test('a header without a token of ours has none', () => {
  const { token } = newRefreshToken()
  for (const header of [
    undefined,
    '',
    'a=b',
    `oc_refresh2=${token}`,
    `oc_refresh=${token}x`,
    `x=oc_refresh=${token}`,
  ])
    expect(refreshTokenHashOf(header)).toBeUndefined()
})
