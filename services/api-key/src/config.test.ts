import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { readApiKeyConfig } from './config.ts'

const pemOf = (key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }) =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString()
const pem = pemOf(generateKeyPairSync('ed25519').privateKey)
const good = {
  DATABASE_URL: 'postgresql://svc_api_key@127.0.0.1/opsconductor',
  API_KEY_PEPPER: 'a pepper that is long enough',
  SESSION_SIGNING_KEY: pem,
  INTERNAL_KEY: 'an internal key that is long enough',
}

test('the defaults are the ports and addresses of the local stack', () => {
  expect(readApiKeyConfig(good)).toMatchObject({
    HOST: '127.0.0.1',
    PUBLIC_PORT: 3011,
    INTERNAL_PORT: 3001,
    INTERFACE_REGISTRY_URL: 'http://127.0.0.1:3002',
  })
})

test('everything that is missing is reported at once', () => {
  expect(() => readApiKeyConfig({})).toThrow(
    /INTERNAL_KEY not set[\s\S]*DATABASE_URL not set[\s\S]*API_KEY_PEPPER not set[\s\S]*SESSION_SIGNING_KEY not set/,
  )
})

test('the signing key is an Ed25519 PEM, also with \\n for line ends, and no fault quotes it', () => {
  const escaped = pem.replaceAll('\n', '\\n')
  expect(readApiKeyConfig({ ...good, SESSION_SIGNING_KEY: escaped }).SESSION_SIGNING_KEY.type).toBe('private')
  const rsa = pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)
  for (const wrong of ['secret-that-is-no-pem', rsa]) {
    const read = () => readApiKeyConfig({ ...good, SESSION_SIGNING_KEY: wrong })
    expect(read).toThrow(/^SESSION_SIGNING_KEY: must be an Ed25519 private key as PKCS#8 PEM$/)
  }
})

test('a short pepper or administrator password is refused without quoting it', () => {
  const read = () =>
    readApiKeyConfig({
      ...good,
      API_KEY_PEPPER: 'short',
      ADMIN_EMAIL: 'a@example.com',
      ADMIN_PASSWORD: 'tiny',
    })
  expect(read).toThrow(/API_KEY_PEPPER: must be at least 16[\s\S]*ADMIN_PASSWORD/)
  expect(read).not.toThrow(/: .*(short|tiny)$/m)
})

test('the administrator needs both e-mail and password, or neither', () => {
  expect(() => readApiKeyConfig({ ...good, ADMIN_EMAIL: 'a@example.com' })).toThrow(/go together/)
  expect(() => readApiKeyConfig({ ...good, ADMIN_PASSWORD: 'x'.repeat(12) })).toThrow(/go together/)
  expect(readApiKeyConfig(good).ADMIN_EMAIL).toBeUndefined()
})
