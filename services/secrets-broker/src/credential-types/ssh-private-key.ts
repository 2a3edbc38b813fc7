import { createPrivateKey } from 'node:crypto'
import { readFields } from '@opsconductor/ssh/wire-format'
import ssh2 from 'ssh2'
import type { CredentialFault } from './define-credential-type.ts'
import { decodeBase64 } from './field-schemas.ts'
import { createThreadQueue } from './run-in-thread.ts'

/** An SSH private key that was opened, by its public half as RFC 4253 writes it; or what is wrong with it. */
export type OpenedSshKey = { publicKey: Buffer } | { fault: CredentialFault }

interface GivenSshKey {
  private_key: string
  passphrase?: string | undefined
}

export const sshKeyCharactersMax = 16_384
const rsaBitsMax = 8_192
/** ssh-keygen makes 16 to 24. One takes about 20 ms of a processor, here and at every later use of the key. */
const kdfRoundsMax = 100

const queue = createThreadQueue<GivenSshKey, { publicKey: Uint8Array } | { fault: CredentialFault }>({
  module: new URL('./ssh-private-key-thread.ts', import.meta.url),
  waitingMax: 8,
  timeoutMs: 20_000,
})

/** Opens a private key in PEM or OpenSSH format. An encrypted one is opened in a thread, one at a time. */
export async function openSshPrivateKey(given: GivenSshKey): Promise<OpenedSshKey> {
  const shape = shapeOf(given.private_key)
  if ('fault' in shape) return shape
  if (!shape.isEncrypted) return openNow(given)
  if (given.passphrase === undefined) return fault('is missing: the private key is encrypted', 'passphrase')
  const opened = await queue.run(given)
  // Between threads a Buffer is copied as the bytes that it is.
  return 'fault' in opened ? opened : { publicKey: Buffer.from(opened.publicKey) }
}

/** Blocks its thread for as long as opening the key takes. */
export function openNow({ private_key, passphrase }: GivenSshKey): OpenedSshKey {
  const key = ssh2.utils.parseKey(private_key, passphrase)
  const wrong =
    passphrase === undefined
      ? fault('is damaged')
      : fault('does not open the private key, or the key is damaged', 'passphrase')
  if (key instanceof Error || !key.isPrivateKey()) return wrong
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(key.getPrivatePEM())
    if (asymmetricKeyType === 'dsa') return fault('is a DSA key, which SSH servers take no more')
    if ((asymmetricKeyDetails?.modulusLength ?? 0) > rsaBitsMax)
      return fault(`must have at most ${rsaBitsMax} bits`)
    const proof = Buffer.from('both halves belong together')
    const signature = key.sign(proof)
    if (signature instanceof Error || key.verify(proof, signature) !== true) return wrong
    return { publicKey: key.getPublicSSH() }
  } catch {
    return wrong
  }
}

const fault = (message: string, part = 'private_key'): { fault: CredentialFault } => ({
  fault: { path: `secret.${part}`, message },
})

const armour = /^-----BEGIN (RSA|EC|OPENSSH) PRIVATE KEY-----$/
const bodyLine = /^[A-Za-z0-9+/]+={0,2}$/
const encryptionHeader = /^(?:Proc-Type: 4,ENCRYPTED|DEK-Info: [A-Z0-9-]{1,40},[0-9A-Fa-f]{1,64})$/

/** Looks at the text line by line, since ssh2's own patterns take quadratic time on hostile texts. */
function shapeOf(text: string): { isEncrypted: boolean } | { fault: CredentialFault } {
  const lines = text.trim().split(/\r?\n/)
  const [, kind] = armour.exec(lines[0] ?? '') ?? []
  if (/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----$/.test(lines[0] ?? ''))
    return fault('is in PKCS#8; convert it with: ssh-keygen -p -f <file>')
  if (kind === undefined || lines.at(-1) !== `-----END ${kind} PRIVATE KEY-----`)
    return fault('must be a whole private key in PEM or OpenSSH format')
  const inner = lines.slice(1, -1)
  const headers = inner.filter((line) => encryptionHeader.test(line))
  const body = inner.filter((line) => line !== '' && !encryptionHeader.test(line))
  if (headers.length > 2 || body.length === 0 || !body.every((line) => bodyLine.test(line)))
    return fault('must be a whole private key in PEM or OpenSSH format')
  return kind === 'OPENSSH' ? openSshShape(body.join('')) : { isEncrypted: headers.length > 0 }
}

const magic = Buffer.from('openssh-key-v1\0')

/** The outer fields of PROTOCOL.key, which say how much work the passphrase is. */
function openSshShape(base64: string): { isEncrypted: boolean } | { fault: CredentialFault } {
  const bytes = decodeBase64(base64)
  const isOpenSsh = bytes?.subarray(0, magic.length).equals(magic)
  const fields = isOpenSsh
    ? readFields(bytes?.subarray(magic.length) as Buffer, ['string', 'string', 'string'])
    : undefined
  if (fields === undefined) return fault('is damaged')
  const [cipher, kdf, options] = fields.map((field) => field as Buffer) as [Buffer, Buffer, Buffer]
  if (cipher.toString() === 'none') return { isEncrypted: false }
  const [, rounds] = readFields(options, ['string', 'uint32']) ?? []
  if (kdf.toString() !== 'bcrypt' || rounds === undefined) return fault('is encrypted in an unknown way')
  return Number(rounds) > kdfRoundsMax
    ? fault(`must have at most ${kdfRoundsMax} rounds of key derivation (ssh-keygen -a)`)
    : { isEncrypted: true }
}
