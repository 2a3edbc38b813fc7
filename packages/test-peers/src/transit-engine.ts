import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** What the peer answers; `errors` is Vault's list. */
export interface TransitAnswer {
  status: number
  data?: Record<string, unknown>
  errors?: string[]
}

interface TransitKey {
  name: string
  type: string
  exportable: boolean
  allowPlaintextBackup: boolean
  deletionAllowed: boolean
  minDecryptionVersion: number
  createdAtSeconds: number
  /** The first is version 1. */
  versions: Buffer[]
}

export type Body = Record<string, unknown>

const keyBytes: Record<string, number> = { 'aes256-gcm96': 32, 'aes128-gcm96': 16, ed25519: 32 }
const fail = (status: number, ...errors: string[]): TransitAnswer => ({ status, errors })

/** The transit engine of OpenBao 2.6.2 as far as a master key needs it, with its own AES-GCM. */
export function createTransitEngine(nowSeconds: () => number) {
  const keys = new Map<string, TransitKey>()
  const create = (name: string, body: Body): TransitAnswer => {
    const type = String(body.type ?? 'aes256-gcm96')
    const bytes = keyBytes[type]
    if (bytes === undefined) return fail(400, `unknown key type ${type}`)
    const key = keys.get(name) ?? {
      name,
      type,
      exportable: body.exportable === true,
      allowPlaintextBackup: body.allow_plaintext_backup === true,
      deletionAllowed: false,
      minDecryptionVersion: 1,
      createdAtSeconds: nowSeconds(),
      versions: [randomBytes(bytes)],
    }
    keys.set(name, key)
    return { status: 200, data: describe(key) }
  }
  return {
    /** `mayCreate`: Vault makes a key that is not there where the policy has `create`. */
    encrypt(name: string, body: Body, mayCreate: boolean): TransitAnswer {
      if (!keys.has(name) && mayCreate) create(name, {})
      const key = keys.get(name)
      return key === undefined ? fail(400, 'encryption key not found') : encrypt(key, body)
    },
    decrypt(name: string, body: Body): TransitAnswer {
      const key = keys.get(name)
      return key === undefined ? fail(400, 'encryption key not found') : decrypt(key, body)
    },
    onKey(method: string, name: string, action: string | undefined, body: Body): TransitAnswer {
      if (method === 'POST' && action === undefined) return create(name, body)
      const key = keys.get(name)
      if (key === undefined) return { status: 404, errors: [] }
      if (method === 'POST' && action === 'config') return configure(key, body)
      if (method === 'POST' && action === 'rotate')
        key.versions.push(randomBytes(keyBytes[key.type] as number))
      if (method !== 'DELETE') return { status: 200, data: describe(key) }
      if (!key.deletionAllowed)
        return fail(400, `error deleting policy ${name}: deletion is not allowed for this key`)
      keys.delete(name)
      return { status: 204 }
    },
  }
}

function encrypt(key: TransitKey, body: Body): TransitAnswer {
  if (typeof body.plaintext !== 'string') return fail(400, 'missing plaintext to encrypt')
  if (!key.type.startsWith('aes'))
    return fail(400, `message encryption not supported for key type ${key.type}`)
  const illegal = body.plaintext.search(/[^A-Za-z0-9+/=]/)
  if (illegal >= 0) return fail(400, `illegal base64 data at input byte ${illegal}`)
  const version = Number(body.key_version ?? key.versions.length)
  const secret = key.versions[version - 1]
  if (secret === undefined)
    return fail(400, 'requested version for encryption is higher than the latest key version')
  const nonce = randomBytes(12)
  const cipher = createCipheriv(cipherOf(secret), secret, nonce, { authTagLength: 16 })
  cipher.setAAD(associatedData(body))
  const parts = [nonce, cipher.update(body.plaintext, 'base64'), cipher.final(), cipher.getAuthTag()]
  const ciphertext = `vault:v${version}:${Buffer.concat(parts).toString('base64')}`
  return { status: 200, data: { ciphertext, key_version: version } }
}

function decrypt(key: TransitKey, body: Body): TransitAnswer {
  const parsed = /^vault:v(\d+):(.*)$/.exec(String(body.ciphertext))
  if (parsed === null) return fail(400, 'invalid ciphertext: no prefix')
  const version = Number(parsed[1])
  const secret = key.versions[version - 1]
  if (secret === undefined) return fail(400, 'invalid ciphertext: version is too new')
  if (version < key.minDecryptionVersion)
    return fail(400, 'ciphertext or signature version is disallowed by policy (too old)')
  const bytes = Buffer.from(parsed[2] as string, 'base64')
  if (bytes.length < 28) return fail(400, 'invalid ciphertext length')
  const decipher = createDecipheriv(cipherOf(secret), secret, bytes.subarray(0, 12), { authTagLength: 16 })
  decipher.setAuthTag(bytes.subarray(-16))
  decipher.setAAD(associatedData(body))
  try {
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
    return { status: 200, data: { plaintext: plaintext.toString('base64') } }
  } catch {
    return fail(400, 'cipher: message authentication failed')
  }
}

function configure(key: TransitKey, body: Body): TransitAnswer {
  const least = Number(body.min_decryption_version ?? key.minDecryptionVersion)
  const latest = key.versions.length
  if (least > latest)
    return fail(400, `cannot set min decryption version of ${least}, latest key version is ${latest}`)
  key.minDecryptionVersion = least
  if (typeof body.deletion_allowed === 'boolean') key.deletionAllowed = body.deletion_allowed
  return { status: 200, data: describe(key) }
}

const cipherOf = (secret: Buffer) => (secret.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm')

const associatedData = (body: Body): Buffer => Buffer.from(String(body.associated_data ?? ''), 'base64')

function describe(key: TransitKey): Record<string, unknown> {
  const encrypts = key.type.startsWith('aes')
  const versions = key.versions.map((_, index) => index + 1).filter((n) => n >= key.minDecryptionVersion)
  return {
    allow_plaintext_backup: key.allowPlaintextBackup,
    auto_rotate_period: 0,
    deletion_allowed: key.deletionAllowed,
    derived: false,
    exportable: key.exportable,
    imported_key: false,
    keys: Object.fromEntries(versions.map((version) => [version, key.createdAtSeconds])),
    latest_version: key.versions.length,
    min_available_version: 0,
    min_decryption_version: key.minDecryptionVersion,
    min_encryption_version: 0,
    name: key.name,
    soft_deleted: false,
    supports_decryption: encrypts,
    supports_derivation: true,
    supports_encryption: encrypts,
    supports_signing: !encrypts,
    type: key.type,
  }
}
