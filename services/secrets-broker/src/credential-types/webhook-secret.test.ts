import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { faultPaths } from './try-credential.fixture.ts'

const whsec = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`

test('webhook_secret takes Standard Webhooks secrets and plain ones, and two former ones for rotation', async () => {
  for (const secret of [whsec(24), whsec(64), 'It’s a secret to everybody'])
    expect(await faultPaths('webhook_secret', secret)).toEqual([])
  const rotating = { secret: whsec(32), previous_secret: whsec(24), older_secret: 'plain text' }
  expect(await faultPaths('webhook_secret', rotating)).toEqual([])
})

test('webhook_secret refuses a whsec_ secret of the wrong length or that is not base64', async () => {
  for (const secret of [whsec(23), whsec(65), 'whsec_', 'whsec_####', `whsec_${'A'.repeat(33)}`, 'abc'])
    expect(await faultPaths('webhook_secret', { secret: whsec(32), previous_secret: secret })).toEqual([
      'body.secret.previous_secret',
    ])
})

test('webhook_secret has each secret redacted, also without prefix and padding', () => {
  const secret = whsec(25)
  const { redact, http } = lendable('webhook_secret', { secret, previous_secret: 'plain text' }, {})
  expect(redact).toEqual([secret, 'plain text', secret.slice(6).replace(/=+$/, '')])
  expect(http).toBeNull()
})
