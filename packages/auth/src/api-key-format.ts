import { createHmac, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * `oc_live_<id>_<secret><checksum>`: id 8 characters (shown in lists), secret 256 random bits, checksum the CRC-32 of
 * everything before it. All in base 62 at fixed width, so a typo or a leak is recognised without a look-up.
 */
const pattern = /^oc_live_([0-9A-Za-z]{8})_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const secretBytes = 32
const secretLength = 43
const idLength = 8
const checksumLength = 6

/** `value` in base 62, padded to `length`. */
function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; rest > 0n; rest /= 62n) text = alphabet[Number(rest % 62n)] + text
  return text.padStart(length, '0')
}

const random62 = (bytes: number, length: number) =>
  base62(BigInt(`0x${randomBytes(bytes).toString('hex')}`), length)

const checksumOf = (body: string) => base62(BigInt(crc32(body)), checksumLength)

/** A new key. `id` is what may be shown of it. */
export function generateApiKey(): { key: string; id: string } {
  const id = random62(8, 11).slice(-idLength)
  const body = `oc_live_${id}_${random62(secretBytes, secretLength)}`
  return { key: body + checksumOf(body), id }
}

/** True where the text has the form of a key and its checksum fits; says nothing of whether the key exists. */
export function isWellFormedApiKey(text: string): boolean {
  return pattern.test(text) && checksumOf(text.slice(0, -checksumLength)) === text.slice(-checksumLength)
}

/**
 * What is stored of a key: HMAC-SHA-256 with a server-side pepper, hex. A slow hash would add nothing to 256 random
 * bits, and the keyed hash keeps a stolen table useless for offline matching of leaked keys.
 */
export function hashApiKey(key: string, pepper: string): string {
  return createHmac('sha256', pepper).update(key).digest('hex')
}
