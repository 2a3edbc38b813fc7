import { randomBytes } from 'node:crypto'
import { DecryptionError } from '../envelope.ts'
import { keyId } from '../master-key.ts'
import { KeyRefused, type MasterKey } from './define-key-provider.ts'
import { openVaultSession, type VaultAnswer, type VaultOptions, type VaultSession } from './vault-session.ts'

export interface TransitOptions extends VaultOptions {
  keyName: string
  /** Where the transit engine is mounted; `transit` where absent. */
  mount?: string
}

/**
 * A key of the transit engine of Vault or OpenBao, which must be there and must never leave it: aes256-gcm96, not
 * exportable, no plaintext backup. A wrap is Vault's own `vault:v<version>:…`; the id stays over Vault's rotations, whose
 * older versions still open. The policy needs `read` on `<mount>/keys/<name>` and `update` on `encrypt` and `decrypt`;
 * it should not have `create` on `encrypt`. Throws KeyUnavailable or KeyRefused.
 */
export async function openTransitKey(options: TransitOptions): Promise<MasterKey> {
  const { keyName, mount = 'transit', namespace = '' } = options
  if (!/^\w[\w.-]*$/.test(keyName) || !/^\w[\w-]*(\/[\w-]+)*$/.test(mount))
    throw new KeyRefused('The name or the mount of the transit key has characters that Vault does not allow.')
  const session = await openVaultSession(options)
  const transit = createTransit(session, mount, keyName)
  try {
    await transit.assertBinds()
  } catch (error) {
    await session.close()
    throw error
  }
  return {
    id: `transit:${keyId(JSON.stringify([namespace, mount, keyName]))}`,
    provider: 'vault-transit',
    wrap: transit.wrap,
    unwrap: transit.unwrap,
    close: session.close,
  }
}

const wrappedForm = /^vault:v[1-9]\d{0,8}:[A-Za-z0-9+/]+={0,2}$/
const doesNotOpen = /message authentication failed|invalid ciphertext|version is too new/

function createTransit(session: VaultSession, mount: string, keyName: string) {
  const named = `The transit key ${mount}/${keyName}`
  const refused = (answer: VaultAnswer) =>
    new KeyRefused(`${named} cannot be used: ${answer.errors || `status ${answer.status}`}.`)

  const wrap = async (plaintext: Buffer, aad: string): Promise<string> => {
    // Vault would make a key that is not there, where the policy allows it: a new one in the place of one that is lost.
    checkKey(await session.request('GET', `${mount}/keys/${keyName}`), named)
    const answer = await session.request('POST', `${mount}/encrypt/${keyName}`, {
      plaintext: plaintext.toString('base64'),
      associated_data: Buffer.from(aad).toString('base64'),
    })
    const { ciphertext } = (answer.body.data ?? {}) as { ciphertext?: string }
    if (answer.status !== 200 || ciphertext === undefined || !wrappedForm.test(ciphertext))
      throw refused(answer)
    return ciphertext
  }

  const unwrap = async (wrapped: string, aad: string): Promise<Buffer> => {
    if (!wrappedForm.test(wrapped)) throw new DecryptionError('The wrapped key is malformed.')
    const answer = await session.request('POST', `${mount}/decrypt/${keyName}`, {
      ciphertext: wrapped,
      associated_data: Buffer.from(aad).toString('base64'),
    })
    if (answer.status === 400 && doesNotOpen.test(answer.errors))
      throw new DecryptionError('The wrapped key could not be authenticated.')
    const { plaintext } = (answer.body.data ?? {}) as { plaintext?: string }
    if (answer.status !== 200 || plaintext === undefined) throw refused(answer)
    return Buffer.from(plaintext, 'base64')
  }

  /** Vault before 1.9 reads past `associated_data`: then a wrap would open in any row. */
  const assertBinds = async () => {
    const wrapped = await wrap(randomBytes(12), 'self test')
    await unwrap(wrapped, 'self test')
    const elsewhere = await unwrap(wrapped, 'another place').catch((error) => error)
    if (elsewhere instanceof DecryptionError) return
    if (elsewhere instanceof Error) throw elsewhere
    throw new KeyRefused('Vault does not bind associated_data: it is too old to hold a master key.')
  }
  return { wrap, unwrap, assertBinds }
}

function checkKey(answer: VaultAnswer, named: string): void {
  const refuse = (what: string) => new KeyRefused(`${named} ${what}.`)
  if (answer.status === 404)
    throw refuse(`does not exist${answer.errors && ` (${answer.errors})`}: make it, as aes256-gcm96`)
  if (answer.status !== 200) throw refuse(`cannot be read: ${answer.errors || `status ${answer.status}`}`)
  const key = (answer.body.data ?? {}) as Record<string, unknown>
  if (key.type !== 'aes256-gcm96') throw refuse(`is of type ${String(key.type)}, not aes256-gcm96`)
  if (key.exportable !== false) throw refuse('is exportable: it must never leave Vault')
  if (key.allow_plaintext_backup !== false)
    throw refuse('allows a plaintext backup: it must never leave Vault')
  if (key.derived !== false) throw refuse('is a derived key')
  if (key.soft_deleted === true) throw refuse('is deleted')
}
