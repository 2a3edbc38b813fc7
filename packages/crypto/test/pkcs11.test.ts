import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createTestToken, softHsmIsMissing, type TestToken } from '@opsconductor/test-peers'
import { DecryptionError } from '../src/envelope.ts'
import { KeyRefused, KeyUnavailable, type MasterKey } from '../src/key-providers/define-key-provider.ts'
import { openPkcs11Key } from '../src/key-providers/pkcs11.ts'

const onHsm = softHsmIsMissing() ? describe.skip : describe

onHsm('a master key in an HSM', () => {
  const dataKey = randomBytes(32)
  const aad = 'data-key|b7f0|project'
  let token: TestToken
  let wrongPinToken: TestToken
  let vanishingToken: TestToken
  let hsm: MasterKey

  const open = (changed: Partial<Parameters<typeof openPkcs11Key>[0]> = {}) =>
    openPkcs11Key({ ...token, ...changed })
  /** What another process would do to our sessions: the same library, asked to end them all. */
  const dropSessions = async (of: TestToken) => {
    const { Module } = await import('graphene-pk11')
    const module = Module.load(of.modulePath, 'second')
    const slots = module.getSlots(true)
    for (let index = 0; index < slots.length; index++)
      if (slots.items(index).getToken().label.trim() === of.tokenLabel) slots.items(index).closeAll()
  }

  beforeAll(async () => {
    // All before the first key: a library that runs does not see tokens made later.
    token = createTestToken()
    wrongPinToken = createTestToken()
    vanishingToken = createTestToken()
    hsm = await open()
  })
  afterAll(() => hsm.close?.())

  test('000.39 a key that never leaves the HSM wraps and opens data keys, and has no bytes in this process', async () => {
    expect(hsm.local).toBeUndefined()
    expect(hsm.provider).toBe('pkcs11')
    const wrapped = await hsm.wrap(dataKey, aad)
    expect(Buffer.from(wrapped, 'base64').includes(dataKey)).toBe(false)
    expect(await hsm.wrap(dataKey, aad)).not.toBe(wrapped)
    expect(await hsm.unwrap(wrapped, aad)).toEqual(dataKey)
  })

  test('000.39 the id of the key is the same at every start, and another in the same token has another', async () => {
    const again = await open()
    expect(again.id).toBe(hsm.id)
    expect(again.id).toMatch(/^pkcs11:[0-9a-f]{16}$/)
    expect(await again.unwrap(await hsm.wrap(dataKey, aad), aad)).toEqual(dataKey)
    token.makeKey('second')
    const second = await open({ keyLabel: 'second' })
    expect(second.id).not.toBe(hsm.id)
    await expect(second.unwrap(await hsm.wrap(dataKey, aad), aad)).rejects.toThrow(DecryptionError)
    await Promise.all([again.close?.(), second.close?.()])
    expect(await hsm.unwrap(await hsm.wrap(dataKey, aad), aad)).toEqual(dataKey)
  })

  test('000.39 what was changed, cut, moved to another row or made up does not open, and the key works on', async () => {
    const wrapped = await hsm.wrap(dataKey, aad)
    const bytes = Buffer.from(wrapped, 'base64')
    const changed = [0, 11, 12, 43, 44, bytes.length - 1].map((at) => {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] as number) ^ 1
      return copy.toString('base64')
    })
    const cut = [0, 12, 28, 59].map((length) => bytes.subarray(0, length).toString('base64'))
    for (const text of [...changed, ...cut, `${wrapped} `, 'not base64'])
      await expect(hsm.unwrap(text, aad)).rejects.toThrow(DecryptionError)
    for (const other of ['data-key|b7f1|project', ''])
      await expect(hsm.unwrap(wrapped, other)).rejects.toThrow(DecryptionError)
    expect(await hsm.unwrap(wrapped, aad)).toEqual(dataKey)
  })

  test('000.39 a key that is extractable, short, open without the PIN, not AES or not there is refused', async () => {
    const { refusedLabels } = token
    for (const [keyLabel, why] of [
      [refusedLabels.extractable, /is extractable/],
      [refusedLabels.aes128, /not 256 bits/],
      [refusedLabels.readWithoutPin, /not private/],
      [refusedLabels.notAes, /not an AES key/],
      ['nothing', /no secret key "nothing"/],
    ] as const) {
      const opening = open({ keyLabel })
      await expect(opening).rejects.toThrow(KeyRefused)
      await expect(opening).rejects.toThrow(why)
    }
  })

  test('000.39 two keys of one label are refused: which of them was meant cannot be told', async () => {
    token.makeKey('twice', '0a')
    token.makeKey('twice', '0b')
    await expect(open({ keyLabel: 'twice' })).rejects.toThrow(/several keys/)
  })

  test('000.39 a missing library or token is named', async () => {
    await expect(open({ modulePath: '/nonexistent/hsm.so' })).rejects.toThrow(
      new KeyRefused('The PKCS#11 library /nonexistent/hsm.so cannot be loaded.'),
    )
    await expect(open({ tokenLabel: 'gone' })).rejects.toThrow(
      new KeyUnavailable('The PKCS#11 token "gone" is not present.'),
    )
  })

  test('000.39 001.12 a wrong PIN is refused, its text shown nowhere, and never sent twice: tokens lock', async () => {
    const wrong = '4321-0000'
    const openWrong = () => open({ ...wrongPinToken, modulePath: wrongPinToken.spyPath, pin: wrong })
    const opening = openWrong()
    await expect(opening).rejects.toThrow(KeyRefused)
    await expect(opening).rejects.toThrow(/PIN .* is wrong/)
    await expect(opening).rejects.not.toThrow(new RegExp(wrong))
    const logins = wrongPinToken.countCalls('C_Login')
    expect(logins).toBeGreaterThan(0)
    await expect(openWrong()).rejects.toThrow(/PIN .* is wrong/)
    expect(wrongPinToken.countCalls('C_Login')).toBe(logins)
  })

  test('000.39 a session that the HSM dropped is opened again without anyone noticing', async () => {
    const wrapped = await hsm.wrap(dataKey, aad)
    await dropSessions(token)
    expect(await hsm.unwrap(wrapped, aad)).toEqual(dataKey)
    await dropSessions(token)
    expect(await hsm.unwrap(await hsm.wrap(dataKey, aad), aad)).toEqual(dataKey)
  })

  test('000.39 a token that went away is unavailable, which is worth another try, and never a wrong text', async () => {
    const other = vanishingToken
    const key = await open(other)
    const wrapped = await key.wrap(dataKey, aad)
    await dropSessions(other)
    other.delete()
    await expect(key.unwrap(wrapped, aad)).rejects.toThrow(KeyUnavailable)
    await expect(key.wrap(dataKey, aad)).rejects.toThrow(KeyUnavailable)
    await key.close?.()
    await expect(key.wrap(dataKey, aad)).rejects.toThrow(KeyUnavailable)
  })
})
