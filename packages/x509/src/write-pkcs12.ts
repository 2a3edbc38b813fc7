import { createCipheriv, createHash, type KeyObject, pbkdf2Sync, randomBytes } from 'node:crypto'
import {
  type Asn1,
  explicit,
  implicitOctets,
  integer,
  nothing,
  objectIdentifier,
  octets,
  sequence,
  set,
  toDer,
  wideText,
} from './asn1.ts'
import { type Certificate, isKeyOf } from './certificate.ts'
import { CertificateFault } from './certificate-fault.ts'
import { createDerivationBudget } from './derivation-budget.ts'
import { checkPassphrase } from './password-encryption.ts'
import { pkcs12Password } from './pkcs12-key.ts'
import * as oids from './pkcs12-oids.ts'
import { computeMac } from './read-pkcs12.ts'

const iterations = 50_000
const friendlyNameCharactersMax = 255

/**
 * A PKCS #12 bundle in DER: key and certificates under AES-256-CBC (PBES2, PBKDF2 with HMAC-SHA-256), MAC with SHA-256.
 * Throws CertificateFault: `key_mismatch` where the key is not the certificate's, `passphrase_required` for an empty
 * passphrase, `too_large`.
 */
export function writePkcs12(bundle: {
  key: KeyObject
  certificate: Certificate
  /** Without the certificate itself. */
  chain?: readonly Certificate[]
  passphrase: string
  friendlyName?: string
}): Buffer {
  const { key, certificate, chain = [], passphrase, friendlyName = '' } = bundle
  if (checkPassphrase(passphrase) === '')
    throw new CertificateFault('passphrase_required', 'A bundle with a private key needs a passphrase.')
  if (friendlyName.length > friendlyNameCharactersMax)
    throw new CertificateFault('too_large', `The name has more than ${friendlyNameCharactersMax} characters.`)
  if (!isKeyOf(key, certificate))
    throw new CertificateFault('key_mismatch', 'The private key does not belong to the certificate.')
  const attributes = bagAttributes(certificate, friendlyName)
  const certificateBags = [
    certificateBag(certificate, attributes),
    ...chain.map((link) => certificateBag(link)),
  ]
  const safe = toDer(
    sequence(
      encryptedPart(toDer(sequence(...certificateBags)), passphrase),
      contentInfo(oids.data, octets(toDer(sequence(keyBag(key, passphrase, attributes))))),
    ),
  )
  const bundled = sequence(integer(3), contentInfo(oids.data, octets(safe)), macOf(safe, passphrase))
  return toDer(bundled)
}

const contentInfo = (type: string, content: Asn1): Asn1 =>
  sequence(objectIdentifier(type), explicit(0, content))

const bag = (type: string, value: Asn1, attributes?: Asn1): Asn1 =>
  sequence(objectIdentifier(type), explicit(0, value), ...(attributes === undefined ? [] : [attributes]))

/** The local key id is what tells other programs which certificate is the key's. */
function bagAttributes(certificate: Certificate, friendlyName: string): Asn1 {
  const keyId = createHash('sha1').update(certificate.der).digest()
  const name = sequence(objectIdentifier(oids.friendlyName), set(wideText(friendlyName)))
  return set(
    sequence(objectIdentifier(oids.localKeyId), set(octets(keyId))),
    ...(friendlyName === '' ? [] : [name]),
  )
}

const certificateBag = ({ der }: Certificate, attributes?: Asn1): Asn1 =>
  bag(
    oids.certificateBag,
    sequence(objectIdentifier(oids.x509Certificate), explicit(0, octets(der))),
    attributes,
  )

function keyBag(key: KeyObject, passphrase: string, attributes: Asn1): Asn1 {
  const { algorithm, encrypted } = encrypt(key.export({ format: 'der', type: 'pkcs8' }), passphrase)
  return bag(oids.shroudedKeyBag, sequence(algorithm, octets(encrypted)), attributes)
}

function encryptedPart(content: Buffer, passphrase: string): Asn1 {
  const { algorithm, encrypted } = encrypt(content, passphrase)
  const info = sequence(objectIdentifier(oids.data), algorithm, implicitOctets(0, encrypted))
  return contentInfo(oids.encryptedData, sequence(integer(0), info))
}

function encrypt(content: Buffer, passphrase: string): { algorithm: Asn1; encrypted: Buffer } {
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(passphrase, salt, iterations, 32, 'sha256'), iv)
  const prf = sequence(objectIdentifier('1.2.840.113549.2.9'), nothing())
  const derivation = sequence(
    objectIdentifier('1.2.840.113549.1.5.12'),
    sequence(octets(salt), integer(iterations), prf),
  )
  const encryption = sequence(objectIdentifier('2.16.840.1.101.3.4.1.42'), octets(iv))
  return {
    algorithm: sequence(objectIdentifier('1.2.840.113549.1.5.13'), sequence(derivation, encryption)),
    encrypted: Buffer.concat([cipher.update(content), cipher.final()]),
  }
}

function macOf(safe: Buffer, passphrase: string): Asn1 {
  const salt = randomBytes(16)
  const password = pkcs12Password(passphrase)
  const mac = computeMac({ digest: 'sha256', password, salt, iterations }, safe, createDerivationBudget())
  const digestInfo = sequence(sequence(objectIdentifier(oids.sha256), nothing()), octets(mac))
  return sequence(digestInfo, octets(salt), integer(iterations))
}
