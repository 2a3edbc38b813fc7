import { createHash, createPublicKey } from 'node:crypto'
import { AppError, invalidField } from '@opsconductor/errors'
import ssh2 from 'ssh2'

export interface ParsedHostKey {
  /** Of a known_hosts line. */
  host: string | undefined
  port: number | undefined
  keyType: string
  /** Base64 of the SSH wire format. */
  publicKey: string
  fingerprint: string
  comment: string | null
  revoked: boolean
  isAuthority: boolean
}

const rsaBitsMin = 2048
const rsaBitsMax = 16_384
const keyTypes = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
] as const
const dsa = 'ssh-dss'
const controlCharacter = /\p{Cc}/u

/**
 * A public key line (`type base64 comment`) or one of known_hosts (`host type base64 comment`). Throws
 * `validation_failed` naming `key`; no message quotes the text, which may be a private key pasted by mistake.
 */
export function parseHostKey(text: string): ParsedHostKey {
  const line = text.trim()
  if (/PRIVATE KEY|PuTTY-User-Key-File/i.test(line))
    throw refuse('must be a public key: this is a private key. Whoever saw it may know it now; replace it')
  if (controlCharacter.test(line.replaceAll('\t', ' '))) throw refuse('must be one line')
  const words = line.split(/[ \t]+/)
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined
  if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority')
    throw refuse('has a marker that is not supported; only @revoked and @cert-authority are')
  const names = isKeyType(words[0]) || words[0] === dsa ? undefined : words.shift()
  if (marker !== undefined && names === undefined) throw refuse('must name a host after its marker')
  const [keyType = '', base64 = '', ...comment] = words
  const publicKey = readPublicKey(keyType, base64)
  return {
    ...(names === undefined ? { host: undefined, port: undefined } : readHost(names)),
    keyType,
    publicKey: publicKey.toString('base64'),
    fingerprint: fingerprintOf(publicKey),
    comment: comment.join(' ').slice(0, 255) || null,
    revoked: marker === '@revoked',
    isAuthority: marker === '@cert-authority',
  }
}

const isKeyType = (word: string | undefined): boolean =>
  word !== undefined && (keyTypes as readonly string[]).includes(word)

/** As OpenSSH shows it: Base64 without padding. */
const fingerprintOf = (publicKey: Buffer): string =>
  `SHA256:${createHash('sha256').update(publicKey).digest('base64').replace(/=+$/, '')}`

function readPublicKey(keyType: string, base64: string): Buffer {
  if (keyType === dsa) throw refuse('is a DSA key, which is not secure')
  if (!isKeyType(keyType)) throw refuse(`must be a public key of one of the types ${keyTypes.join(', ')}`)
  const parsed = ssh2.utils.parseKey(`${keyType} ${base64}`)
  if (parsed instanceof Error || parsed.isPrivateKey()) throw damaged()
  const given = Buffer.from(base64, 'base64')
  try {
    const publicKey = parsed.getPublicSSH()
    const bits = createPublicKey(parsed.getPublicPEM()).asymmetricKeyDetails?.modulusLength
    if (bits !== undefined && (bits < rsaBitsMin || bits > rsaBitsMax))
      throw refuse(`is an RSA key of ${bits} bits; it must have ${rsaBitsMin} to ${rsaBitsMax}`)
    // Two spellings of one key would have two fingerprints.
    if (publicKey.equals(given) && given.toString('base64') === base64) return publicKey
  } catch (error) {
    if (error instanceof AppError) throw error
  }
  throw damaged()
}

function readHost(names: string): { host: string; port: number } {
  if (names.startsWith('|'))
    throw refuse('has a hashed host name; give host and port, and the line without its first word')
  if (names.includes(',')) throw refuse('must name one host; add one key for each')
  const [, bracketed, port] = /^\[([^\]]*)\]:(\d{1,5})$/.exec(names) ?? []
  return { host: (bracketed ?? names).toLowerCase(), port: port === undefined ? 22 : Number(port) }
}

const damaged = () => refuse('is damaged, or not a public key')

const refuse = (message: string) => invalidField('body.key', message)
