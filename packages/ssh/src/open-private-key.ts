import { createPrivateKey } from 'node:crypto'
import ssh2 from 'ssh2'
import { writeStrings } from './wire-format.ts'

/** A private key without its passphrase, in a form that ssh2 reads again. */
export interface OpenedKey {
  privateKey: string
}

const bitsMax = 8_192

/** Blocks its thread for as long as opening the key takes. Undefined where it cannot be opened or is not to be used. */
export function openNow(given: {
  privateKey: string
  passphrase: string | undefined
}): OpenedKey | undefined {
  try {
    const key = ssh2.utils.parseKey(given.privateKey, given.passphrase)
    if (key instanceof Error || !key.isPrivateKey()) return undefined
    const opened = createPrivateKey(key.getPrivatePEM())
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = opened
    if (type === 'rsa')
      return (details?.modulusLength ?? 0) <= bitsMax
        ? { privateKey: opened.export({ type: 'pkcs1', format: 'pem' }) as string }
        : undefined
    if (type === 'ec') return { privateKey: opened.export({ type: 'sec1', format: 'pem' }) as string }
    return type === 'ed25519' ? { privateKey: ed25519Text(opened.export({ format: 'jwk' })) } : undefined
  } catch {
    return undefined
  }
}

/** The only format in which ssh2 reads ed25519 keys (OpenSSH's PROTOCOL.key). */
function ed25519Text({ x = '', d = '' }: { x?: string; d?: string }): string {
  const publicKey = Buffer.from(x, 'base64url')
  const publicBlob = writeStrings('ssh-ed25519', publicKey)
  // Two equal check numbers, the key with an empty comment, and padding to the block size of 8.
  const key = Buffer.concat([
    Buffer.alloc(8),
    publicBlob,
    writeStrings(Buffer.concat([Buffer.from(d, 'base64url'), publicKey]), ''),
  ])
  const padding = Buffer.from(Array.from({ length: (8 - (key.length % 8)) % 8 }, (_, at) => at + 1))
  const one = Buffer.from([0, 0, 0, 1])
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    writeStrings('none', 'none', ''),
    one,
    writeStrings(publicBlob, Buffer.concat([key, padding])),
  ])
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}
