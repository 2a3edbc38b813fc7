import { hash, timingSafeEqual } from 'node:crypto'
import { type InternalCaller, type ServiceName, serviceNames } from '@opsconductor/contracts'
import { z } from 'zod'
import { secretText } from './config.ts'

/** `INTERNAL_KEY_SECRETS_BROKER` for `secrets-broker`. */
export const internalKeyVariable = (service: ServiceName) =>
  `INTERNAL_KEY_${service.toUpperCase().replaceAll('-', '_')}`

/** One or, while a key is rotated, two keys separated by a comma: the first is sent, both are accepted. */
const keyPair = z
  .string()
  .transform((text) => text.split(',').map((key) => key.trim()))
  .pipe(z.array(secretText).min(1).max(2))

/** The configuration shape of the keys that services know each other by. */
export const internalKeyConfig = {
  INTERNAL_KEY: keyPair,
  ...(Object.fromEntries(
    serviceNames.map((name) => [internalKeyVariable(name), keyPair.optional()]),
  ) as Record<string, z.ZodOptional<typeof keyPair>>),
}

export interface InternalKeys {
  /** The key that this service sends. */
  own: string
  /** Whose key this is; undefined for nobody's. Takes the same time for every wrong key. */
  callerOf(key: string | undefined): InternalCaller | undefined
}

type KeyConfig = { INTERNAL_KEY: string[] } & Record<string, unknown>

export function internalKeys(config: KeyConfig, self: ServiceName): InternalKeys {
  const known: { digest: Buffer; caller: InternalCaller }[] = []
  for (const key of config.INTERNAL_KEY) known.push({ digest: sha256(key), caller: 'operator' })
  for (const name of serviceNames)
    for (const key of (config[internalKeyVariable(name)] as string[] | undefined) ?? [])
      known.push({ digest: sha256(key), caller: name })
  const ownKeys = (config[internalKeyVariable(self)] as string[] | undefined) ?? config.INTERNAL_KEY
  return {
    own: ownKeys[0] as string,
    callerOf(key) {
      const digest = sha256(key ?? '')
      let caller: InternalCaller | undefined
      for (const entry of known) if (timingSafeEqual(entry.digest, digest)) caller = entry.caller
      return key === undefined ? undefined : caller
    },
  }
}

const sha256 = (text: string) => hash('sha256', text, 'buffer')
