import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import {
  type Asn1,
  bytesOf,
  childrenOf,
  insideOf,
  integerOf,
  objectIdentifierOf,
  octetsOf,
  readAsn1,
  textOf,
} from './asn1.ts'
import { parseCertificate } from './certificate.ts'
import { CertificateFault, readOrFault } from './certificate-fault.ts'
import { createDerivationBudget, type DerivationBudget } from './derivation-budget.ts'
import { type Credentials, checkCounts, checkSize } from './parse-pem.ts'
import {
  checkPassphrase,
  decryptWithPassphrase,
  iterationsOf,
  type Passphrase,
  saltOf,
  unsupported,
  wrongPassphrase,
} from './password-encryption.ts'
import { type DigestName, derivePkcs12Key, keyPurposes, pkcs12Password } from './pkcs12-key.ts'
import * as oids from './pkcs12-oids.ts'
import { parseDecryptedKey, parsePrivateKey } from './private-key.ts'

const partsMax = 20
const bagsMax = 100
const bagDepthMax = 3

interface Opening {
  passphrase: Passphrase
  budget: DerivationBudget
  bagsLeft: number
  certificates: Buffer[]
  keys: (() => KeyObject)[]
  keyName: string | undefined
}

/**
 * The certificates and private keys of a PKCS #12 bundle (RFC 7292) of at most 1 MB: PBES2, 3DES or RC2, BER or DER, with
 * its MAC checked first. Throws CertificateFault: `wrong_passphrase`; `too_much_work` before the work is done;
 * `malformed_pkcs12`; `unsupported_content` for one without a MAC or with other than passphrases.
 */
export function readPkcs12(
  bytes: Uint8Array,
  passphrase: string,
): Credentials & { friendlyName: string | undefined } {
  checkSize(bytes.length)
  checkPassphrase(passphrase)
  const opening = readOrFault('malformed_pkcs12', 'The PKCS #12 bundle is damaged or is not one.', () =>
    openBundle(bytes, passphrase),
  )
  checkCounts(opening.certificates.length, opening.keys.length)
  return {
    certificates: opening.certificates.map(parseCertificate),
    keys: opening.keys.map((parse) => parse()),
    friendlyName: opening.keyName,
  }
}

function openBundle(bytes: Uint8Array, passphrase: string): Opening {
  const [version, authSafe, macData] = childrenOf(readAsn1(bytes))
  if (integerOf(version) !== 3) throw new Error('not version 3')
  const [contentType, content] = childrenOf(authSafe)
  if (objectIdentifierOf(contentType) !== oids.data || macData === undefined)
    throw new CertificateFault(
      'unsupported_content',
      'The PKCS #12 bundle has no MAC of a passphrase, so nothing tells whether it is whole.',
    )
  const safe = octetsOf(insideOf(content))
  const budget = createDerivationBudget()
  const opening: Opening = {
    passphrase: { text: passphrase, pkcs12: checkMac(macData, safe, passphrase, budget) },
    budget,
    bagsLeft: bagsMax,
    certificates: [],
    keys: [],
    keyName: undefined,
  }
  const parts = childrenOf(readAsn1(safe))
  if (parts.length > partsMax) throw tooMany()
  for (const part of parts) collectBags(readAsn1(openPart(part, opening)), opening, 1)
  return opening
}

/** The passphrase in the form that gives the right MAC. An empty one may stand for no bytes at all, or for two zeros. */
function checkMac(macData: Asn1, safe: Buffer, passphrase: string, budget: DerivationBudget): Buffer {
  const [digestInfo, saltElement, iterationsElement] = childrenOf(macData)
  const [algorithm, expectedElement] = childrenOf(digestInfo)
  const oid = objectIdentifierOf(childrenOf(algorithm)[0])
  const digest = oids.digests[oid]
  if (digest === undefined) throw unsupported('MAC', oid)
  const expected = octetsOf(expectedElement)
  const salt = saltOf(saltElement)
  const iterations = iterationsElement === undefined ? 1 : iterationsOf(iterationsElement)
  const forms = passphrase === '' ? [pkcs12Password(''), Buffer.alloc(0)] : [pkcs12Password(passphrase)]
  const right = forms.find((password) => {
    const mac = computeMac({ digest, password, salt, iterations }, safe, budget)
    return mac.length === expected.length && timingSafeEqual(mac, expected)
  })
  if (right === undefined) throw wrongPassphrase()
  return right
}

export function computeMac(
  request: { digest: DigestName; password: Buffer; salt: Buffer; iterations: number },
  content: Buffer,
  budget: DerivationBudget,
): Buffer {
  const length = oids.digestLengths[request.digest]
  const key = derivePkcs12Key({ ...request, purpose: keyPurposes.mac, length }, budget)
  return createHmac(request.digest, key).update(content).digest()
}

/** The SafeContents of one ContentInfo, in plain. */
function openPart(part: Asn1, { passphrase, budget }: Opening): Buffer {
  const [contentType, content] = childrenOf(part)
  const oid = objectIdentifierOf(contentType)
  if (oid === oids.data) return octetsOf(insideOf(content))
  if (oid !== oids.encryptedData)
    throw new CertificateFault('unsupported_content', 'The bundle is encrypted with other than a passphrase.')
  const [, encryptedContentInfo] = childrenOf(insideOf(content))
  const [, algorithm, encrypted] = childrenOf(encryptedContentInfo)
  return decryptWithPassphrase(algorithm as Asn1, octetsOf(encrypted), passphrase, budget)
}

function collectBags(safeContents: Asn1, opening: Opening, depth: number): void {
  if (depth > bagDepthMax) throw tooMany()
  for (const bag of childrenOf(safeContents)) {
    opening.bagsLeft -= 1
    if (opening.bagsLeft < 0) throw tooMany()
    const [id, value, attributes] = childrenOf(bag)
    const inside = insideOf(value)
    const oid = objectIdentifierOf(id)
    if (oid === oids.safeContentsBag) collectBags(inside, opening, depth + 1)
    else if (oid === oids.certificateBag) collectCertificate(inside, opening)
    else if (oid === oids.keyBag || oid === oids.shroudedKeyBag) {
      opening.keys.push(() => readKey(oid, inside, opening))
      opening.keyName ??= friendlyNameOf(attributes)
    } // revocation lists and other secrets are nobody's business here
  }
}

function collectCertificate(bag: Asn1, { certificates }: Opening): void {
  const [id, value] = childrenOf(bag)
  if (objectIdentifierOf(id) === oids.x509Certificate) certificates.push(octetsOf(insideOf(value)))
}

function readKey(oid: string, bag: Asn1, { passphrase, budget }: Opening): KeyObject {
  if (oid === oids.keyBag) return parsePrivateKey(bytesOf(bag), 'pkcs8')
  const plain = readOrFault('malformed_pkcs12', 'A private key in the bundle is damaged.', () => {
    const [algorithm, encrypted] = childrenOf(bag)
    return decryptWithPassphrase(algorithm as Asn1, octetsOf(encrypted), passphrase, budget)
  })
  return parseDecryptedKey(plain)
}

function friendlyNameOf(attributes: Asn1 | undefined): string | undefined {
  if (attributes === undefined) return undefined
  const names = childrenOf(attributes).map((attribute) => {
    const [id, values] = childrenOf(attribute)
    return objectIdentifierOf(id) === oids.friendlyName ? textOf(childrenOf(values)[0]) : undefined
  })
  return names.find((name) => name !== undefined)
}

const tooMany = (): CertificateFault =>
  new CertificateFault('too_many', 'The PKCS #12 bundle has more parts than are allowed here.')
