import { createHash } from 'node:crypto'
import type { Module, SecretKey, Session, Slot } from 'graphene-pk11'
import { KeyRefused, KeyUnavailable } from './define-key-provider.ts'

export interface Pkcs11Options {
  /** The vendor's library, as in `/usr/lib/softhsm/libsofthsm2.so`. */
  modulePath: string
  tokenLabel: string
  pin: string
  keyLabel: string
}

export type Pkcs11 = typeof import('graphene-pk11')

/** The binding, loaded only where an HSM is used: it costs 15 MB and is compiled on the machine. */
export async function importPkcs11(): Promise<Pkcs11> {
  try {
    return await import('graphene-pk11')
  } catch {
    throw new KeyRefused('The PKCS#11 binding is not built: run "npm run setup:pkcs11".')
  }
}

// A process may initialise a library only once, however many keys it opens there. It stays until the process ends:
// finalising it would end the sessions of everyone else in the process.
const libraries = new Map<string, Module>()

/** The library of that path, ready for use. Throws KeyRefused where it does not load, KeyUnavailable where it does not start. */
export function openLibrary(pkcs11: Pkcs11, path: string): Module {
  const known = libraries.get(path)
  if (known !== undefined) return known
  const module = loadModule(pkcs11, path)
  try {
    module.initialize()
  } catch (error) {
    throw new KeyUnavailable(`The PKCS#11 library ${path} does not start (${pkcs11Code(error)}).`)
  }
  libraries.set(path, module)
  return module
}

function loadModule(pkcs11: Pkcs11, path: string): Module {
  try {
    return pkcs11.Module.load(path, path)
  } catch {
    throw new KeyRefused(`The PKCS#11 library ${path} cannot be loaded.`)
  }
}

/** A session that is logged in. Throws KeyUnavailable where the token is not there, KeyRefused for the PIN. */
export function openSession(pkcs11: Pkcs11, module: Module, options: Pkcs11Options): Session {
  const slot = findSlot(module, options.tokenLabel)
  const session = slot.open(pkcs11.SessionFlag.SERIAL_SESSION)
  try {
    logIn(pkcs11, slot, session, options)
    return session
  } catch (error) {
    session.close()
    throw error
  }
}

function findSlot(module: Module, tokenLabel: string): Slot {
  const slots = module.getSlots(true)
  const found = Array.from({ length: slots.length }, (_, index) => slots.items(index)).filter(
    (slot) => slot.getToken().label.trim() === tokenLabel,
  )
  if (found.length > 1) throw new KeyRefused(`Several PKCS#11 tokens are labelled "${tokenLabel}".`)
  if (found[0] === undefined) throw new KeyUnavailable(`The PKCS#11 token "${tokenLabel}" is not present.`)
  return found[0]
}

// Tokens lock after a few wrong PINs, so one that was refused is not sent again, whoever asks.
const refusedPins = new Set<string>()

function logIn(pkcs11: Pkcs11, slot: Slot, session: Session, options: Pkcs11Options): void {
  const { tokenLabel, modulePath, pin } = options
  const attempt = createHash('sha256')
    .update(JSON.stringify([modulePath, tokenLabel, pin]))
    .digest('hex')
  const { flags } = slot.getToken()
  const { TokenFlag } = pkcs11
  if ((flags & TokenFlag.USER_PIN_LOCKED) !== 0)
    throw new KeyRefused(`The PIN of the PKCS#11 token "${tokenLabel}" is locked.`)
  if (refusedPins.has(attempt)) throw wrongPin(tokenLabel)
  if ((flags & TokenFlag.USER_PIN_FINAL_TRY) !== 0)
    throw new KeyRefused(
      `The PKCS#11 token "${tokenLabel}" locks at the next wrong PIN: log in to it once by hand first.`,
    )
  try {
    session.login(pin)
  } catch (error) {
    const code = pkcs11Code(error)
    if (code === 'CKR_USER_ALREADY_LOGGED_IN') return
    if (!code.startsWith('CKR_PIN_')) throw error
    refusedPins.add(attempt)
    throw code === 'CKR_PIN_INCORRECT'
      ? wrongPin(tokenLabel)
      : new KeyRefused(`The PKCS#11 token "${tokenLabel}" refuses the PIN (${code}).`)
  }
}

const wrongPin = (tokenLabel: string) =>
  new KeyRefused(
    `The PIN of the PKCS#11 token "${tokenLabel}" is wrong. It is not tried again, because tokens lock: correct it and restart.`,
  )

/**
 * The one AES-256 key of that label. Throws KeyRefused unless the token keeps it to itself: private (so that it needs the
 * PIN), sensitive and not extractable.
 */
export function findKey(pkcs11: Pkcs11, session: Session, keyLabel: string): { key: SecretKey; id: Buffer } {
  const found = session.find({ class: pkcs11.ObjectClass.SECRET_KEY, label: keyLabel })
  if (found.length === 0) throw new KeyRefused(`The PKCS#11 token has no secret key "${keyLabel}".`)
  if (found.length > 1) throw new KeyRefused(`The PKCS#11 token has several keys labelled "${keyLabel}".`)
  const key = found.items(0).toType<SecretKey>()
  const is = key.getAttribute({
    keyType: null,
    private: null,
    sensitive: null,
    extractable: null,
    encrypt: null,
    decrypt: null,
    id: null,
  })
  const refuse = (what: string) => new KeyRefused(`The PKCS#11 key "${keyLabel}" ${what}.`)
  if (is.keyType !== pkcs11.KeyType.AES) throw refuse('is not an AES key')
  if (key.getAttribute({ valueLen: null }).valueLen !== 32) throw refuse('is not 256 bits long')
  if (is.extractable !== false) throw refuse('is extractable: it must never leave the token')
  if (is.sensitive !== true) throw refuse('is not sensitive: the token would show it')
  if (is.private !== true) throw refuse('is not private: it would open without the PIN')
  if (is.encrypt !== true || is.decrypt !== true) throw refuse('may not encrypt and decrypt')
  return { key, id: is.id as Buffer }
}

/** `CKR_…` where it is an answer of the library, else the error's name. */
export function pkcs11Code(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  return error.name === 'Pkcs11Error' ? error.message : error.name
}
