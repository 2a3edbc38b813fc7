import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { describeCertificate } from '../src/describe-certificate.ts'
import { findLeaf } from '../src/find-leaf.ts'
import { faultOf } from './fault-of.ts'
import {
  alternativeNames,
  makeCertificate,
  makeChain,
  ofDns,
  ofEmail,
  ofIp,
  ofUri,
} from './make-certificate.ts'
import { openssl } from './openssl.ts'

const { root, intermediate, leaf } = makeChain()

test('000.27 a certificate is described by its subject, names, key, dates and fingerprint', () => {
  const names = alternativeNames(
    ofDns('www.example.com'),
    ofIp(10, 0, 0, 1),
    ofIp(0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1),
    ofEmail('ops@example.com'),
    ofUri('https://example.com/'),
  )
  const { certificate } = makeCertificate('web, "1"', { issuer: intermediate, extensions: [names] })
  const text = openssl(['x509', '-in', 'certificate', '-noout', '-serial', '-fingerprint', '-sha256'], {
    certificate: certificate.x509.toString(),
  }).toString()
  const [, serialNumber, fingerprint] = /serial=(\w+)\s+sha256 Fingerprint=([\w:]+)/i.exec(text) ?? []
  expect(describeCertificate(certificate)).toEqual({
    subject: 'O=OpsConductor, CN=web\\, \\"1\\"',
    issuer: 'O=OpsConductor, CN=Intermediate',
    serialNumber,
    alternativeNames: {
      dns: ['www.example.com'],
      ip: ['10.0.0.1', '2001:db8::1'],
      email: ['ops@example.com'],
      uri: ['https://example.com/'],
    },
    keyType: 'EC P-256',
    notBefore: new Date('2026-01-01'),
    notAfter: new Date('2028-01-01'),
    fingerprintSha256: fingerprint?.replaceAll(':', '').toLowerCase(),
    isCa: false,
  })
})

test('000.27 keys are named by kind and size', () => {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    generateKeyPairSync('ed25519'),
  ]
  const types = keys.map(
    ({ privateKey }) => describeCertificate(makeCertificate('x', { key: privateKey }).certificate).keyType,
  )
  expect(types).toEqual(['RSA 2048', 'EC P-384', 'EC P-521', 'Ed25519'])
  expect(describeCertificate(root.certificate).isCa).toBe(true)
})

test('000.25 the leaf is the certificate of the key, the latest of several; else the one that signed no other', () => {
  const renewed = makeCertificate('leaf', { issuer: intermediate, key: leaf.key, notAfter: '2029-01-01' })
  const all = [root, leaf, intermediate, renewed].map(({ certificate }) => certificate)
  for (const given of [all, all.toReversed()]) {
    expect(findLeaf(given, leaf.key)).toBe(renewed.certificate)
    expect(findLeaf(given, root.key)).toBe(root.certificate)
    expect(faultOf(() => findLeaf(given))).toBe('ambiguous_certificate')
  }
  expect(findLeaf(all.slice(0, 3))).toBe(leaf.certificate)
  expect(findLeaf([root.certificate])).toBe(root.certificate)
  expect(faultOf(() => findLeaf([root.certificate], leaf.key))).toBe('key_mismatch')
  expect(faultOf(() => findLeaf([]))).toBe('no_certificate')
})
