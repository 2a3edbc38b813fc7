import { afterEach, expect, test } from '@jest/globals'
import type { KeyVerification } from '@opsconductor/contracts'
import { generateApiKey } from './api-key-format.ts'
import { createKeyVerifier, type KeyVerifier, type KeyVerifierOptions } from './key-verifier.ts'

const opened: KeyVerifier[] = []
afterEach(async () => {
  for (const verifier of opened.splice(0)) await verifier.stop()
})

const valid = (changes: object = {}): KeyVerification => ({
  valid: true,
  key_id: 'k1',
  user_id: 'u1',
  project_id: 'p1',
  public_interface_id: null,
  scopes: [],
  expires_at: null,
  ...changes,
})

function verifierThat(answers: () => KeyVerification, changes: Partial<KeyVerifierOptions> = {}) {
  const clock = { at: Date.parse('2027-01-01T00:00:00Z') }
  const asked: string[] = []
  const digests: string[] = []
  const reports: { key_id: string; used_at: string }[][] = []
  const remembered = new Map<string, Promise<KeyVerification>>()
  const verifier = createKeyVerifier({
    cache: {
      async get(digest, load) {
        digests.push(digest)
        const answer = remembered.get(digest) ?? load()
        remembered.set(digest, answer)
        return answer
      },
    },
    async verify(key) {
      asked.push(key)
      return answers()
    },
    reportUse: async (items) => reports.push(items),
    onReportError: () => {},
    now: () => clock.at,
    reportEveryMs: 3_600_000,
    ...changes,
  })
  opened.push(verifier)
  return { verifier, clock, asked, digests, reports }
}

test('no key and a malformed key are refused without asking anybody', async () => {
  const { verifier, asked, digests } = verifierThat(valid)
  for (const key of [undefined, ''])
    await expect(verifier.verify(key)).rejects.toMatchObject({ code: 'missing_api_key', status: 401 })
  await expect(verifier.verify('oc_live_x')).rejects.toMatchObject({ code: 'malformed_api_key' })
  expect([asked, digests]).toEqual([[], []])
})

test('002.09 the refusals of api-key become the 401 that says why', async () => {
  for (const code of ['unknown_api_key', 'revoked_api_key', 'expired_api_key'] as const) {
    const { verifier } = verifierThat(() => ({ valid: false, code }))
    await expect(verifier.verify(generateApiKey().key)).rejects.toMatchObject({ code, status: 401 })
  }
})

test('002.09 an answer that is remembered is still refused from the moment the key expires', async () => {
  const { verifier, clock, asked } = verifierThat(() => valid({ expires_at: '2027-01-01T00:00:10Z' }))
  const { key } = generateApiKey()
  expect(await verifier.verify(key)).toMatchObject({ key_id: 'k1' })
  clock.at += 9_999
  expect(await verifier.verify(key)).toMatchObject({ key_id: 'k1' })
  clock.at += 1
  await expect(verifier.verify(key)).rejects.toMatchObject({ code: 'expired_api_key' })
  expect(asked).toHaveLength(1)
})

test('what is remembered goes by a digest, never by the key', async () => {
  const { verifier, digests } = verifierThat(valid)
  const { key } = generateApiKey()
  await verifier.verify(key)
  expect(digests).toHaveLength(1)
  expect(digests[0]).not.toContain(key.slice(8, 16))
})

test('002.08 uses are reported together, each key once with its latest use; refused keys are not', async () => {
  let id = 'k1'
  const { verifier, clock, reports } = verifierThat(() =>
    id === '' ? { valid: false, code: 'revoked_api_key' } : valid({ key_id: id }),
  )
  const [one, two] = [generateApiKey().key, generateApiKey().key]
  await verifier.verify(one)
  clock.at += 1000
  await verifier.verify(one)
  id = 'k2'
  await verifier.verify(two)
  id = ''
  await verifier.verify(generateApiKey().key).catch(() => {})
  await verifier.stop()
  expect(reports).toEqual([
    [
      { key_id: 'k1', used_at: '2027-01-01T00:00:01.000Z' },
      { key_id: 'k2', used_at: '2027-01-01T00:00:01.000Z' },
    ],
  ])
})

test('a report that fails stops nobody: it is told, the next key is verified, and both uses are reported then', async () => {
  const errors: unknown[] = []
  const reported: string[] = []
  let id = 'k1'
  const { verifier } = verifierThat(() => valid({ key_id: id }), {
    async reportUse(items) {
      if (errors.length === 0) throw new Error('api-key is down')
      reported.push(...items.map(({ key_id }) => key_id))
    },
    onReportError: (error) => errors.push(error),
  })
  await verifier.verify(generateApiKey().key)
  await verifier.stop()
  expect([errors.length, reported]).toEqual([1, []])
  id = 'k2'
  expect(await verifier.verify(generateApiKey().key)).toMatchObject({ valid: true })
  await verifier.stop()
  expect(reported.sort()).toEqual(['k1', 'k2'])
})

test('where api-key cannot be asked the call fails closed', async () => {
  const { verifier } = verifierThat(() => {
    throw new Error('down')
  })
  await expect(verifier.verify(generateApiKey().key)).rejects.toThrow('down')
})
