import { timingSafeEqual } from 'node:crypto'
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
  /** Whose key this is; undefined for nobody's. Takes the same time for every wrong key of the same length. */
  callerOf(key: string | undefined): InternalCaller | undefined
}

type KeyConfig = { INTERNAL_KEY: string[] } & Record<string, unknown>

export function internalKeys(config: KeyConfig, self: ServiceName): InternalKeys {
  const known: { bytes: Buffer; caller: InternalCaller }[] = []
  for (const key of config.INTERNAL_KEY) known.push({ bytes: Buffer.from(key), caller: 'operator' })
  for (const name of serviceNames)
    for (const key of (config[internalKeyVariable(name)] as string[] | undefined) ?? [])
      known.push({ bytes: Buffer.from(key), caller: name })
  const ownKeys = (config[internalKeyVariable(self)] as string[] | undefined) ?? config.INTERNAL_KEY
  return {
    own: ownKeys[0] as string,
    callerOf(key) {
      if (key === undefined) return undefined
      const given = Buffer.from(key)
      let caller: InternalCaller | undefined
      for (const entry of known)
        if (entry.bytes.length === given.length && timingSafeEqual(entry.bytes, given)) caller = entry.caller
      return caller
    },
  }
}
