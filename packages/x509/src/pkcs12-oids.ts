import type { DigestName } from './pkcs12-key.ts'

export const data = '1.2.840.113549.1.7.1'
export const encryptedData = '1.2.840.113549.1.7.6'

export const keyBag = '1.2.840.113549.1.12.10.1.1'
export const shroudedKeyBag = '1.2.840.113549.1.12.10.1.2'
export const certificateBag = '1.2.840.113549.1.12.10.1.3'
export const safeContentsBag = '1.2.840.113549.1.12.10.1.6'

export const x509Certificate = '1.2.840.113549.1.9.22.1'
export const friendlyName = '1.2.840.113549.1.9.20'
export const localKeyId = '1.2.840.113549.1.9.21'

export const sha256 = '2.16.840.1.101.3.4.2.1'

export const digests: Record<string, DigestName> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  [sha256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

export const digestLengths: Record<DigestName, number> = {
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
}
