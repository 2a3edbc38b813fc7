import { SecretValue } from '@opsconductor/redact'
import type { VaultSecret } from './define-vault-provider.ts'
import { isOutage } from './vault-error.ts'

interface KeepFor {
  /** Not used longer than this, nor longer than the vault's own lease. */
  ttlSeconds: number
  /** So much longer while the vault is in trouble; 0: never. */
  allowStaleSeconds: number
}

export interface SecretCache {
  /** The values under `key`; whoever asks while they are being read waits for the same read. Failures are not kept. */
  get(key: string, keepFor: KeepFor, read: () => Promise<VaultSecret>): Promise<Record<string, string>>
  clear(): void
}

interface Entry {
  values: Map<string, SecretValue>
  readAt: number
  leaseSeconds: number
}

/** Secrets that were read through, in memory only and bounded. */
export function createSecretCache({
  now,
  entriesMax = 1000,
}: {
  now(): number
  entriesMax?: number
}): SecretCache {
  const entries = new Map<string, Entry>()
  const reading = new Map<string, Promise<Record<string, string>>>()

  function keep(key: string, { values, leaseSeconds = Number.POSITIVE_INFINITY }: VaultSecret): void {
    entries.delete(key)
    if (entries.size >= entriesMax) entries.delete(entries.keys().next().value as string)
    entries.set(key, {
      values: new Map(Object.entries(values).map(([name, text]) => [name, new SecretValue(text)])),
      readAt: now(),
      leaseSeconds,
    })
  }

  async function readAndKeep(key: string, keepFor: KeepFor, read: () => Promise<VaultSecret>) {
    try {
      const secret = await read()
      keep(key, secret)
      return secret.values
    } catch (error) {
      const entry = entries.get(key)
      const staleSeconds = keepFor.ttlSeconds + keepFor.allowStaleSeconds
      if (entry !== undefined && keepFor.allowStaleSeconds > 0 && isOutage(error))
        if (now() - entry.readAt < staleSeconds * 1000) return revealed(entry)
      // What the vault refuses or no longer has is not to be had here either.
      if (!isOutage(error)) entries.delete(key)
      throw error
    }
  }

  return {
    async get(key, keepFor, read) {
      const entry = entries.get(key)
      const freshSeconds = Math.min(keepFor.ttlSeconds, entry?.leaseSeconds ?? 0)
      if (entry !== undefined && now() - entry.readAt < freshSeconds * 1000) return revealed(entry)
      let waiting = reading.get(key)
      if (waiting === undefined) {
        waiting = readAndKeep(key, keepFor, read).finally(() => reading.delete(key))
        reading.set(key, waiting)
      }
      return waiting
    },
    clear: () => entries.clear(),
  }
}

const revealed = ({ values }: Entry): Record<string, string> =>
  Object.fromEntries([...values].map(([name, value]) => [name, value.reveal()]))
