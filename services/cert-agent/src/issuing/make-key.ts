import { createPrivateKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { keyTypes } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
import { keyToPem } from '@opsconductor/x509'
import type { ServerSession } from '../servers/open-server.ts'

type KeyType = (typeof keyTypes)[number]

export const isKeyType = (text: string): text is KeyType => Object.hasOwn(recipes, text)

const generate = promisify(generateKeyPair)

/** PEM in PKCS #8. Made in libuv's threads: an RSA key takes up to seconds. */
export async function makeKey(type: KeyType): Promise<SecretValue> {
  const recipe = recipes[type]
  const { privateKey } =
    'bits' in recipe
      ? await generate('rsa', { modulusLength: recipe.bits })
      : await generate('ec', { namedCurve: recipe.curve })
  return new SecretValue(keyToPem(privateKey))
}

/** The same by the server's openssl, so that it is the server's randomness. It is in no file there. */
export async function makeKeyOn(session: Pick<ServerSession, 'run'>, type: KeyType): Promise<SecretValue> {
  const recipe = recipes[type]
  const options =
    'bits' in recipe
      ? ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${recipe.bits}`]
      : ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${recipe.curve}`]
  const { stdout } = await session.run(['openssl', 'genpkey', ...options], { sudo: false })
  const [pem] = /-----BEGIN PRIVATE KEY-----[\sA-Za-z0-9+/=]+-----END PRIVATE KEY-----/.exec(
    stdout.toString('latin1'),
  ) ?? [undefined]
  const key = new SecretValue(`${pem}\n`)
  if (pem === undefined || keyTypeOf(key) !== type)
    throw new AppError('target_refused', "The server's openssl made no key of the form that is asked for.")
  return key
}

/** `other` where it is none of ours, or no key. */
export function keyTypeOf(key: SecretValue): KeyType | 'other' {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(key.reveal())
    const size = asymmetricKeyType === 'rsa' ? asymmetricKeyDetails?.modulusLength : undefined
    return sizes.get(size ?? asymmetricKeyDetails?.namedCurve) ?? 'other'
  } catch {
    return 'other'
  }
}

/** By the bits of an RSA key, or the name that OpenSSL has for a curve. */
const sizes = new Map<unknown, KeyType>([
  [2048, 'rsa-2048'],
  [3072, 'rsa-3072'],
  [4096, 'rsa-4096'],
  ['prime256v1', 'ec-p256'],
  ['secp384r1', 'ec-p384'],
])

const recipes: Record<KeyType, { bits: number } | { curve: string }> = {
  'rsa-2048': { bits: 2048 },
  'rsa-3072': { bits: 3072 },
  'rsa-4096': { bits: 4096 },
  'ec-p256': { curve: 'P-256' },
  'ec-p384': { curve: 'P-384' },
}
