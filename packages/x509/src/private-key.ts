import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { type Asn1, childrenOf, octetsOf, readAsn1 } from './asn1.ts'
import { CertificateFault, readOrFault } from './certificate-fault.ts'
import { createDerivationBudget } from './derivation-budget.ts'
import { findWeakness } from './key-strength.ts'
import { checkPassphrase, decryptWithPassphrase, wrongPassphrase } from './password-encryption.ts'
import { pkcs12Password } from './pkcs12-key.ts'

export type KeyEncoding = 'pkcs8' | 'pkcs1' | 'sec1'

const malformed = 'A private key is damaged or is not one.'

/** Throws CertificateFault `malformed_key`, `unsupported_key`, `weak_key` or `broken_key`. */
export function parsePrivateKey(der: Uint8Array, type: KeyEncoding): KeyObject {
  return checkKey(
    readOrFault('malformed_key', malformed, () =>
      createPrivateKey({ key: Buffer.from(der), format: 'der', type }),
    ),
  )
}

/** An EncryptedPrivateKeyInfo (RFC 5958). Throws also `passphrase_required` and `wrong_passphrase`. */
export function parseEncryptedKey(der: Uint8Array, passphrase: string | undefined): KeyObject {
  const plain = readOrFault('malformed_key', malformed, () => {
    const [algorithm, encrypted] = childrenOf(readAsn1(der))
    const text = required(passphrase)
    const forms = { text, pkcs12: pkcs12Password(text) }
    return decryptWithPassphrase(algorithm as Asn1, octetsOf(encrypted), forms, createDerivationBudget())
  })
  return parseDecryptedKey(plain)
}

/** A wrong passphrase now and then leaves padding that looks right, but never a key. */
export function parseDecryptedKey(der: Buffer): KeyObject {
  readOrFault('wrong_passphrase', wrongPassphrase().message, () => childrenOf(readAsn1(der)))
  return parsePrivateKey(der, 'pkcs8')
}

/** A key in OpenSSL's old encryption, whose headers are in the PEM text. It derives the key with one round of MD5. */
export function parseTraditionalKey(pem: string, cipher: string, passphrase: string | undefined): KeyObject {
  if (!/^(AES-(128|192|256)-CBC|DES-EDE3-CBC)$/.test(cipher))
    throw new CertificateFault('unsupported_algorithm', 'The cipher of a private key is not supported.')
  const text = required(passphrase)
  const key = readOrFault('wrong_passphrase', wrongPassphrase().message, () =>
    createPrivateKey({ key: pem, passphrase: text }),
  )
  return checkKey(key)
}

function required(passphrase: string | undefined): string {
  if (passphrase === undefined || passphrase === '')
    throw new CertificateFault(
      'passphrase_required',
      'A private key is encrypted; its passphrase is missing.',
    )
  return checkPassphrase(passphrase)
}

const probe = Buffer.from('opsconductor')

/** A key whose parts do not fit together signs what nobody can verify, and would be found out only in use. */
function checkKey(key: KeyObject): KeyObject {
  const weakness = findWeakness(key)
  if (weakness !== undefined)
    throw new CertificateFault(weakness.code, `The private key ${weakness.message}.`)
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const works = readOrFault('broken_key', 'The private key does not work.', () =>
    verify(digest, probe, createPublicKey(key), sign(digest, probe, key)),
  )
  if (!works) throw new CertificateFault('broken_key', 'The parts of the private key do not belong together.')
  return key
}
