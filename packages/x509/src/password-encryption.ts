import { createDecipheriv, pbkdf2Sync, scryptSync } from 'node:crypto'
import * as asn1js from 'asn1js'
import forge from 'node-forge'
import { type Asn1, childrenOf, integerOf, objectIdentifierOf, octetsOf } from './asn1.ts'
import { CertificateFault } from './certificate-fault.ts'
import type { DerivationBudget } from './derivation-budget.ts'
import { passphraseCharactersMax } from './limits.ts'
import { type DigestName, derivePkcs12Key, keyPurposes } from './pkcs12-key.ts'

/** A passphrase in the two forms that encryption schemes take it in. */
export interface Passphrase {
  text: string
  /** For the schemes of PKCS #12 itself. */
  pkcs12: Buffer
}

const saltBytesMax = 1024
const scryptMemoryBytesMax = 64 * 1024 * 1024

const digestsByPrf: Record<string, DigestName> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

const pbes2Ciphers: Record<string, { name: string; keyLength: number }> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyLength: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyLength: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyLength: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyLength: 24 },
}

/** RFC 7292 appendix C. RC4 has no place here: no program of the last twenty years writes it. */
const pkcs12Ciphers: Record<string, { name: 'des-ede3-cbc' | 'rc2'; keyLength: number }> = {
  '1.2.840.113549.1.12.1.3': { name: 'des-ede3-cbc', keyLength: 24 },
  '1.2.840.113549.1.12.1.4': { name: 'des-ede3-cbc', keyLength: 16 },
  '1.2.840.113549.1.12.1.5': { name: 'rc2', keyLength: 16 },
  '1.2.840.113549.1.12.1.6': { name: 'rc2', keyLength: 5 },
}

/** Throws `too_large` for a passphrase that is too long, and `wrong_passphrase` for one that is no Unicode text. */
export function checkPassphrase(passphrase: string): string {
  if (passphrase.length > passphraseCharactersMax)
    throw new CertificateFault(
      'too_large',
      `The passphrase has more than ${passphraseCharactersMax} characters.`,
    )
  if (!passphrase.isWellFormed())
    throw new CertificateFault('wrong_passphrase', 'The passphrase is not valid Unicode text.')
  return passphrase
}

/**
 * What `encrypted` holds. `algorithm` is an AlgorithmIdentifier: PBES2 (RFC 8018) or one of PKCS #12's own. Throws
 * CertificateFault `wrong_passphrase`, `too_much_work` or `unsupported_algorithm`, and any error for what is malformed.
 */
export function decryptWithPassphrase(
  algorithm: Asn1,
  encrypted: Buffer,
  passphrase: Passphrase,
  budget: DerivationBudget,
): Buffer {
  const [id, parameters] = childrenOf(algorithm)
  const oid = objectIdentifierOf(id)
  if (oid === '1.2.840.113549.1.5.13') return decryptPbes2(parameters, encrypted, passphrase.text, budget)
  const cipher = pkcs12Ciphers[oid]
  if (cipher === undefined) throw unsupported('encryption', oid)
  const [saltElement, iterations] = childrenOf(parameters)
  const derived = {
    digest: 'sha1' as const,
    password: passphrase.pkcs12,
    salt: saltOf(saltElement),
    iterations: iterationsOf(iterations),
  }
  const { name, keyLength } = cipher
  const key = derivePkcs12Key({ ...derived, purpose: keyPurposes.encryption, length: keyLength }, budget)
  const iv = derivePkcs12Key({ ...derived, purpose: keyPurposes.initialVector, length: 8 }, budget)
  if (name === 'rc2') return decryptRc2(key, iv, encrypted)
  return decipher(name, keyLength === 16 ? Buffer.concat([key, key.subarray(0, 8)]) : key, iv, encrypted)
}

function decryptPbes2(
  parameters: Asn1 | undefined,
  encrypted: Buffer,
  passphrase: string,
  budget: DerivationBudget,
): Buffer {
  const [derivation, encryption] = childrenOf(parameters)
  const [cipherId, iv] = childrenOf(encryption)
  const cipher = pbes2Ciphers[objectIdentifierOf(cipherId)]
  if (cipher === undefined) throw unsupported('encryption', objectIdentifierOf(cipherId))
  const key = derivePbes2Key(derivation, cipher.keyLength, passphrase, budget)
  return decipher(cipher.name, key, octetsOf(iv), encrypted)
}

function derivePbes2Key(
  derivation: Asn1 | undefined,
  length: number,
  passphrase: string,
  budget: DerivationBudget,
): Buffer {
  const [id, parameters] = childrenOf(derivation)
  const oid = objectIdentifierOf(id)
  const [saltElement, ...rest] = childrenOf(parameters)
  const salt = saltOf(saltElement)
  if (oid === '1.3.6.1.4.1.11591.4.11') {
    const [cost, blockSize, parallelization] = rest.map(integerOf) as [number, number, number]
    return deriveScryptKey({ cost, blockSize, parallelization }, passphrase, salt, length, budget)
  }
  if (oid !== '1.2.840.113549.1.5.12') throw unsupported('key derivation', oid)
  const iterations = iterationsOf(rest.shift())
  if (rest[0] instanceof asn1js.Integer) rest.shift() // the key length, which the cipher says too
  const prf = rest[0] === undefined ? '1.2.840.113549.2.7' : objectIdentifierOf(childrenOf(rest[0])[0])
  const digest = digestsByPrf[prf]
  if (digest === undefined) throw unsupported('key derivation', prf)
  budget.spend(iterations * 2) // a key may take two blocks of the digest
  return pbkdf2Sync(passphrase, salt, iterations, length, digest)
}

/** The work of scrypt is cost × block size × parallelisation, twice 0.2 µs each; its memory 128 bytes × the first two. */
function deriveScryptKey(
  options: { cost: number; blockSize: number; parallelization: number },
  passphrase: string,
  salt: Buffer,
  length: number,
  budget: DerivationBudget,
): Buffer {
  budget.spend(options.cost * options.blockSize * options.parallelization * 2)
  if (128 * options.cost * options.blockSize > scryptMemoryBytesMax)
    throw new CertificateFault('too_much_work', 'Its encryption asks for more memory than is allowed here.')
  return scryptSync(passphrase, salt, length, { ...options, maxmem: 2 * scryptMemoryBytesMax })
}

function decipher(name: string, key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  const cipher = createDecipheriv(name, key, iv)
  const first = cipher.update(encrypted)
  try {
    return Buffer.concat([first, cipher.final()])
  } catch {
    throw wrongPassphrase()
  }
}

/** Node's crypto has no RC2 any more. */
function decryptRc2(key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  const cipher = forge.rc2.createDecryptionCipher(key.toString('binary'), key.length * 8)
  cipher.start(iv.toString('binary'))
  cipher.update(forge.util.createBuffer(encrypted.toString('binary')))
  if (!cipher.finish()) throw wrongPassphrase()
  return Buffer.from(cipher.output.getBytes(), 'binary')
}

export const wrongPassphrase = (): CertificateFault =>
  new CertificateFault('wrong_passphrase', 'The passphrase does not open it.')

export function saltOf(element: Asn1 | undefined): Buffer {
  const salt = octetsOf(element)
  if (salt.length > saltBytesMax) throw new Error('the salt is too long')
  return salt
}

export function iterationsOf(element: Asn1 | undefined): number {
  const iterations = integerOf(element)
  if (iterations < 1) throw new Error('no iterations')
  return iterations
}

export const unsupported = (what: string, oid: string): CertificateFault =>
  new CertificateFault('unsupported_algorithm', `Its ${what} (${oid}) is not supported.`)
