import type { KeyObject } from 'node:crypto'
import { childrenOf, readAsn1 } from './asn1.ts'
import { type Certificate, parseCertificate } from './certificate.ts'
import { CertificateFault } from './certificate-fault.ts'
import { certificatesMax, inputBytesMax, keysMax } from './limits.ts'
import { type KeyEncoding, parseEncryptedKey, parsePrivateKey, parseTraditionalKey } from './private-key.ts'

/** What an input holds, in its order. */
export interface Credentials {
  certificates: Certificate[]
  keys: KeyObject[]
}

interface Block {
  label: string
  lines: string[]
}

const keyEncodings: Record<string, KeyEncoding> = {
  'PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
}
const certificateLabels = ['CERTIFICATE', 'X509 CERTIFICATE']
/** What `openssl ecparam` writes before a key; the key says it too. */
const ignoredLabels = ['EC PARAMETERS', 'DH PARAMETERS']

/**
 * All certificates and private keys of a PEM text of at most 1 MB, in any order; text between the blocks is left out. A
 * passphrase is used where a key is encrypted. Throws CertificateFault.
 */
export function parsePem(text: string, { passphrase }: { passphrase?: string } = {}): Credentials {
  checkSize(Buffer.byteLength(text))
  const blocks = readBlocks(text)
  const certificateBlocks = blocks.filter(({ label }) => certificateLabels.includes(label))
  const keyBlocks = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'))
  checkCounts(certificateBlocks.length, keyBlocks.length)
  return {
    certificates: certificateBlocks.map((block) => parseCertificate(bytesOfBlock(block.lines))),
    keys: keyBlocks.map((block) => parseKeyBlock(block, passphrase)),
  }
}

/** One certificate, or one private key of any encoding, in DER. Throws CertificateFault. */
export function parseDer(der: Uint8Array, { passphrase }: { passphrase?: string } = {}): Credentials {
  checkSize(der.length)
  const encoding = guessEncoding(der)
  if (encoding === 'encrypted') return { certificates: [], keys: [parseEncryptedKey(der, passphrase)] }
  if (encoding !== 'certificate') return { certificates: [], keys: [parsePrivateKey(der, encoding)] }
  return { certificates: [parseCertificate(der)], keys: [] }
}

export function checkCounts(certificates: number, keys: number): void {
  if (certificates > certificatesMax)
    throw new CertificateFault(
      'too_many',
      `There are ${certificates} certificates; at most ${certificatesMax} are allowed.`,
    )
  if (keys > keysMax)
    throw new CertificateFault('too_many', `There are ${keys} private keys; at most ${keysMax} are allowed.`)
}

export function checkSize(bytes: number): void {
  if (bytes > inputBytesMax)
    throw new CertificateFault('too_large', `It has ${bytes} bytes; at most ${inputBytesMax} are allowed.`)
}

function readBlocks(text: string): Block[] {
  const blocks: Block[] = []
  let open: Block | undefined
  for (const line of text.split('\n')) {
    const [, edge, label] = /^-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----\s*$/.exec(line.trim()) ?? []
    if (edge === undefined || label === undefined) open?.lines.push(line.trim())
    else if (edge === 'BEGIN' && open === undefined) open = { label, lines: [] }
    else if (edge === 'END' && open?.label === label) {
      blocks.push(open)
      open = undefined
    } else throw malformedPem('A PEM block ends or begins where it should not.')
  }
  if (open !== undefined) throw malformedPem('A PEM block has no end.')
  if (blocks.length === 0) throw malformedPem('There is no PEM block in it.')
  const strange = blocks.find(({ label }) => !isKnown(label))
  if (strange !== undefined)
    throw new CertificateFault('unsupported_content', `A PEM block ${strange.label} is not supported.`)
  return blocks
}

const isKnown = (label: string): boolean =>
  label in keyEncodings ||
  label === 'ENCRYPTED PRIVATE KEY' ||
  certificateLabels.includes(label) ||
  ignoredLabels.includes(label)

function parseKeyBlock({ label, lines }: Block, passphrase: string | undefined): KeyObject {
  if (label === 'ENCRYPTED PRIVATE KEY') return parseEncryptedKey(bytesOfBlock(lines), passphrase)
  const cipher = lines.map((line) => /^DEK-Info: ([A-Z0-9-]+),[0-9A-Fa-f]+$/.exec(line)?.[1]).find(Boolean)
  if (cipher !== undefined) {
    const pem = [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
    return parseTraditionalKey(pem, cipher, passphrase)
  }
  return parsePrivateKey(bytesOfBlock(lines), keyEncodings[label] as KeyEncoding)
}

/** Buffer.from would leave out what is not Base64. */
function bytesOfBlock(lines: string[]): Buffer {
  const text = lines.join('').replace(/[ \t]/g, '')
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    throw malformedPem('A PEM block is not Base64.')
  return Buffer.from(text, 'base64')
}

const malformedPem = (message: string): CertificateFault => new CertificateFault('malformed_pem', message)

/** By the types of the first elements, which differ: RFC 5280, 5958, 8017 and 5915. */
function guessEncoding(der: Uint8Array): KeyEncoding | 'encrypted' | 'certificate' {
  try {
    const tags = childrenOf(readAsn1(der)).map(({ idBlock }) => idBlock.tagNumber)
    const shape = tags.slice(0, 3).join(' ')
    if (shape === '16 4') return 'encrypted'
    if (shape === '2 16 4') return 'pkcs8'
    if (shape === '2 2 2') return 'pkcs1'
    return tags[0] === 2 && tags[1] === 4 ? 'sec1' : 'certificate'
  } catch {
    return 'certificate'
  }
}
