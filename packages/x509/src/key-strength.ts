import type { KeyObject } from 'node:crypto'
import { rsaBitsMax, rsaBitsMin } from './limits.ts'

const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

export interface KeyWeakness {
  code: 'unsupported_key' | 'weak_key'
  message: string
}

/** The key's kind as `RSA 2048`, `EC P-256` or `Ed25519`; Node's own word for any other. */
export function keyTypeOf(key: KeyObject | undefined): string {
  const details = key?.asymmetricKeyDetails
  if (key?.asymmetricKeyType === 'rsa') return `RSA ${details?.modulusLength}`
  if (key?.asymmetricKeyType === 'ec') return `EC ${details?.namedCurve?.replace(/^\D+(\d+)\D.*/, 'P-$1')}`
  if (key?.asymmetricKeyType === 'ed25519') return 'Ed25519'
  return key?.asymmetricKeyType ?? 'unknown'
}

/** What keeps a key from being used here; undefined where nothing does. */
export function findWeakness(key: KeyObject | undefined): KeyWeakness | undefined {
  const type = key?.asymmetricKeyType
  const details = key?.asymmetricKeyDetails
  if (type === 'ed25519') return undefined
  if (type === 'ec' && curves.has(details?.namedCurve ?? '')) return undefined
  if (type !== 'rsa')
    return { code: 'unsupported_key', message: 'must be RSA, Ed25519 or EC on P-256, P-384 or P-521' }
  const bits = details?.modulusLength ?? 0
  if (bits >= rsaBitsMin && bits <= rsaBitsMax) return undefined
  return { code: 'weak_key', message: `has ${bits} bits; RSA needs ${rsaBitsMin} to ${rsaBitsMax}` }
}
