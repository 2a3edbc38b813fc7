import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { SecretValue } from '@opsconductor/redact'
import { readMaterial } from './read-material.ts'

function issue(names: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'material-'))
  const read = (file: string) => readFileSync(join(directory, file), 'utf8')
  try {
    execFileSync(
      'openssl',
      [
        ...[
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          '1',
        ],
        ...['-subj', '/CN=test', '-keyout', 'key', '-out', 'certificate'],
        ...['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`],
      ],
      { cwd: directory, stdio: 'ignore' },
    )
    return { key: new SecretValue(read('key')), certificatePem: read('certificate') }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const own = issue(['a.example.test', '*.example.org'])
const version = { version: 3, certificatePem: own.certificatePem, chainPem: '' }
const now = new Date(Date.now() + 60_000)
const faultOf = (work: () => unknown): string => {
  try {
    work()
    return 'no fault'
  } catch (error) {
    return String(error)
  }
}

test('what belongs together is taken, for every name that it is for', () => {
  const names = ['a.example.test', '*.example.org', 'b.example.org', '_']
  const material = readMaterial(version, own.key, { names, now })
  expect(material.fullChain).toBe(own.certificatePem)
  expect(String(material.key)).toBe('[redacted]')
})

test.each([
  ['another key', { key: issue(['a.example.test']).key }, /private key belongs to another certificate/],
  ['no key', { key: new SecretValue(own.certificatePem) }, /its private key is missing/],
  ['a damaged key', { key: new SecretValue('-----BEGIN nonsense') }, /is damaged/],
  ['another name', { names: ['a.b.example.org'] }, /is not valid for a\.b\.example\.org/],
  ['a wildcard that is too wide', { names: ['*.example.test'] }, /is not valid for any\.example\.test/],
  ['its end', { now: new Date(Date.now() + 3 * 86_400_000) }, /expired at/],
  ['a time before it', { now: new Date(Date.now() - 86_400_000) }, /is not valid before/],
  [
    'a foreign chain',
    { chainPem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
    /is damaged/,
  ],
])('%s is refused, and no key is quoted', (_, given: Record<string, unknown>, said) => {
  const { key = own.key, names = ['a.example.test'], now: at = now, ...more } = given
  const fault = faultOf(() =>
    readMaterial({ ...version, ...more }, key as SecretValue, { names: names as string[], now: at as Date }),
  )
  expect(fault).toMatch(/^AppError: Version 3 of the certificate cannot be deployed: /)
  expect(fault).toMatch(said)
  expect(fault).not.toContain('PRIVATE KEY')
})
