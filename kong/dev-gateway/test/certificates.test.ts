import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import forge from 'node-forge'
import { loadCertificates, serialNumberOf } from '../src/certificates.ts'

test('a serial number is one that OpenSSL reads, whatever random bytes it was given; a damaged certificate is made anew', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'))
  try {
    await loadCertificates(directory, 'gateway')
    const key = forge.pki.privateKeyFromPem(readFileSync(join(directory, 'ca-key.pem'), 'utf8'))
    const certificate = forge.pki.certificateFromPem(readFileSync(join(directory, 'ca.pem'), 'utf8'))
    for (const byte of [0x00, 0xff]) {
      certificate.serialNumber = serialNumberOf(Buffer.alloc(15, byte))
      certificate.sign(key, forge.md.sha256.create())
      const read = new X509Certificate(forge.pki.certificateToPem(certificate))
      expect(read.serialNumber.toLowerCase()).toBe(certificate.serialNumber)
    }
    writeFileSync(join(directory, 'server.pem'), 'damaged')
    const { cert } = await loadCertificates(directory, 'gateway')
    expect(new X509Certificate(cert).checkHost('localhost')).toBe('localhost')
  } finally {
    rmSync(directory, { recursive: true })
  }
})
