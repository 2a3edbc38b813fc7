import { hash } from 'node:crypto'
import type { DerivationBudget } from './derivation-budget.ts'

/** RFC 7292 appendix B.3: what a derived key is for. */
export const keyPurposes = { encryption: 1, initialVector: 2, mac: 3 } as const

export type DigestName = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'

/** One hash of Node's costs about as much as eight iterations of PBKDF2. */
const workPerHash = 8

/** A passphrase as PKCS #12 hashes it: UTF-16, big endian, with two zero bytes at the end. */
export const pkcs12Password = (passphrase: string): Buffer =>
  Buffer.from(`${passphrase}\0`, 'utf16le').swap16()

/** RFC 7292 appendix B.2, on Node's hash: node-forge's own takes three times as long, and blocks the process for it. */
export function derivePkcs12Key(
  request: {
    digest: DigestName
    password: Buffer
    salt: Buffer
    purpose: 1 | 2 | 3
    iterations: number
    length: number
  },
  budget: DerivationBudget,
): Buffer {
  const { digest, password, salt, purpose, iterations, length } = request
  const blockLength = digest === 'sha384' || digest === 'sha512' ? 128 : 64
  const digestLength = hash(digest, '', 'buffer').length
  budget.spend(Math.ceil(length / digestLength) * iterations * workPerHash)
  const diversifier = Buffer.alloc(blockLength, purpose)
  const input = Buffer.concat([repeatTo(salt, blockLength), repeatTo(password, blockLength)])
  const output: Buffer[] = []
  for (let produced = 0; produced < length; produced += digestLength) {
    let block = hash(digest, Buffer.concat([diversifier, input]), 'buffer')
    for (let round = 1; round < iterations; round++) block = hash(digest, block, 'buffer')
    output.push(block)
    addToEach(input, fill(block, blockLength), blockLength)
  }
  return Buffer.concat(output).subarray(0, length)
}

/** `bytes` over and over, up to a whole number of blocks; nothing where there are none. */
const repeatTo = (bytes: Buffer, blockLength: number): Buffer =>
  fill(bytes, blockLength * Math.ceil(bytes.length / blockLength))

const fill = (bytes: Buffer, length: number): Buffer =>
  length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, bytes)

/** Each block of `input` becomes itself + `block` + 1, as big-endian numbers, overflow dropped. */
function addToEach(input: Buffer, block: Buffer, blockLength: number): void {
  for (let start = 0; start < input.length; start += blockLength) {
    let carry = 1
    for (let index = blockLength - 1; index >= 0; index--) {
      carry += (input[start + index] as number) + (block[index] as number)
      input[start + index] = carry & 0xff
      carry >>= 8
    }
  }
}
