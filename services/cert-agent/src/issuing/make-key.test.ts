import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { keyTypeOf, makeKeyOn } from './make-key.ts'

const keyOf = (bits: number): string =>
  generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey

const serverThatAnswers = (text: string) => ({ run: async () => ({ stdout: Buffer.from(text) }) as never })

test("a server's key is taken out of whatever else it says", async () => {
  const key = await makeKeyOn(serverThatAnswers(`welcome\n${keyOf(2048)}bye\n`), 'rsa-2048')
  expect(keyTypeOf(key)).toBe('rsa-2048')
})

test.each([
  ['nothing', ''],
  ['a weaker key', keyOf(1024)],
  ['what is no key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
])('%s from a server is refused', async (_what, text) => {
  await expect(makeKeyOn(serverThatAnswers(text), 'rsa-2048')).rejects.toMatchObject({
    code: 'target_refused',
  })
})
