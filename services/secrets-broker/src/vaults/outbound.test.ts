import { expect, test } from '@jest/globals'
import { faultOfVaultUrl, lookupWithin } from './outbound.ts'

const strict = { allowLoopback: false }

test.each([
  'https://vault.example.com:8200',
  'https://10.0.0.5:8200',
  'https://[fd12:3456::1]/vault',
  'https://192.168.1.1',
])('%s may be a vault', (url) => {
  expect(faultOfVaultUrl(url, strict)).toBeUndefined()
})

test.each([
  'http://vault.example.com',
  'ftp://vault.example.com',
  'https://user:pw@vault.example.com',
  'https://vault.example.com/?a=b',
  'https://vault.example.com/#a',
  'https://127.0.0.1:8200',
  'https://2130706433',
  'https://0x7f.1',
  'https://localhost',
  'https://a.localhost.',
  'https://[::1]',
  'https://[::ffff:127.0.0.1]',
  'https://169.254.169.254',
  'https://[::ffff:169.254.169.254]',
  'https://[fe80::1]',
  'https://[fd00:ec2::254]',
  'https://0.0.0.0',
  'https://224.0.0.1',
  'not a url',
])('%s may not', (url) => {
  expect(typeof faultOfVaultUrl(url, strict)).toBe('string')
})

test('loopback and plain http to it are for tests, by an explicit setting; link-local never', () => {
  const rules = { allowLoopback: true }
  expect(faultOfVaultUrl('http://127.0.0.1:8200', rules)).toBeUndefined()
  expect(faultOfVaultUrl('http://localhost:8200', rules)).toBeUndefined()
  expect(faultOfVaultUrl('http://10.0.0.5:8200', rules)).toMatch(/https/)
  expect(faultOfVaultUrl('https://169.254.169.254', rules)).toMatch(/link-local/)
})

test('a name that leads to this machine gives no address', async () => {
  const codeOf = (rules: { allowLoopback: boolean }, all: boolean) =>
    new Promise((resolve) =>
      lookupWithin(rules)('localhost', { all }, (error, address) => resolve(error?.code ?? address)),
    )
  expect(await codeOf(strict, true)).toBe('EADDRREFUSED')
  expect(await codeOf({ allowLoopback: true }, true)).toEqual([{ address: '127.0.0.1', family: 4 }])
  expect(await codeOf({ allowLoopback: true }, false)).toBe('127.0.0.1')
})
