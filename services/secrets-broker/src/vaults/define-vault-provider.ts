import { z } from 'zod'
import type { OutboundRules } from './outbound.ts'

/** Which secret of a vault. */
export interface VaultReference {
  path: string
  /** Absent: the latest. */
  version?: string | undefined
  /** The keys that are wanted, for vaults that keep each of them as a secret of its own. */
  keys?: readonly string[]
}

export interface VaultSecret {
  values: Record<string, string>
  /** As the vault counts; null where it has none. */
  version: string | null
  /** How long the vault says that the secret may be kept. */
  leaseSeconds?: number
}

interface Options {
  /** Ends the call; its reason is thrown. */
  signal: AbortSignal
}

/** A vault that is talked to. Throws AppErrors with the codes `vault_…`, which quote no secret. */
export interface VaultConnection {
  read(reference: VaultReference, options: Options): Promise<VaultSecret>
  /** Resolves where the vault answers and lets us in. */
  check(options: Options): Promise<void>
  close(): Promise<void>
}

export interface VaultTools {
  outbound: OutboundRules
  /** Milliseconds since 1970. */
  now(): number
}

/** A kind of vault: one file of this room, its test and one line in index.ts. */
export interface VaultProvider<
  Settings extends Record<string, unknown> = Record<string, unknown>,
  Auth extends Record<string, unknown> = Record<string, unknown>,
> {
  provider: string
  title: string
  /** The public parts; shown to whoever may read vaults. */
  settings: z.ZodType<Settings>
  /** What proves who we are; encrypted at rest, never shown. */
  auth: z.ZodType<Auth>
  /** The addresses in the settings, by field: each is checked against the outbound rules before anything is stored. */
  addresses(settings: Settings): Record<string, string>
  /** What is wrong with a path of this vault, for a person; undefined where nothing is. */
  faultOfPath(path: string): string | undefined
  /** Opens no connection yet: the first call does. */
  connect(settings: Settings, auth: Auth, tools: VaultTools): VaultConnection
}

// The list holds providers of every shape; their functions are only ever called with what their own schemas parsed.
export type AnyVaultProvider = Omit<VaultProvider, 'addresses' | 'connect'> & {
  addresses(settings: never): Record<string, string>
  connect(settings: never, auth: never, tools: VaultTools): VaultConnection
}

export function defineVaultProvider<
  Settings extends Record<string, unknown>,
  Auth extends Record<string, unknown>,
>(provider: VaultProvider<Settings, Auth>): AnyVaultProvider {
  return provider
}

/** The address of a vault, without the slash at its end. What may be reached is decided by the outbound rules. */
export const vaultAddress = z
  .url({ protocol: /^https?$/, error: 'must be a URL like https://vault.example.com:8200' })
  .max(2000)
  .transform((url) => url.replace(/\/+$/, ''))

const pem = (label: string) =>
  z
    .string()
    .max(100_000)
    .regex(new RegExp(`-----BEGIN ${label}-----[\\s\\S]+-----END ${label}-----`), 'must be PEM')

/** PEM certificates. */
export const certificatesPem = pem('CERTIFICATE')
export const privateKeyPem = pem('(?:(?:RSA|EC) )?PRIVATE KEY')

/** A text that travels in a header or a path: no control characters, no half characters. */
export const plainText = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters')

/** A secret that travels in a header: visible ASCII, so that it can neither end the header nor be mangled. */
export const headerSecret = z
  .string()
  .min(1)
  .max(10_000)
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII without spaces')

/** What proves who we are. A surplus field is not named: its name may be the secret, put in the wrong place. */
export const authObject = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? 'has a field that this kind of vault does not have' : undefined,
  })

/** A path of segments that can neither climb nor vanish on the way: servers clean such paths up, each in its own way. */
export function faultOfSegments(path: string): string | undefined {
  if (/[\p{Cc}\p{Cs}]/u.test(path)) return 'must not contain control characters'
  const segments = path.split('/')
  if (segments.some((segment) => segment === ''))
    return 'must neither begin nor end with a slash, nor hold two in a row'
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return 'must not hold . or .. as a segment'
  return undefined
}

export const encodeSegments = (path: string): string => path.split('/').map(encodeURIComponent).join('/')
