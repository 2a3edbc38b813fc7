import { AppError } from '@opsconductor/errors'
import type { HeldCredential } from '@opsconductor/reach'
import { z } from 'zod'
import type { Outbound } from '../outbound/open-outbound.ts'
import { DnsName } from './dns-name.ts'

export interface TxtRecord {
  /** Without a dot at its end. */
  fqdn: string
  value: string
}

export interface ProviderTools<Settings> {
  settings: Settings
  credential: HeldCredential
  /** The only way to the provider: under the project's outbound policy and the credential's limits. */
  outbound: Outbound
  now(): Date
  signal: AbortSignal
}

interface ProviderOf<Id extends string, Settings> {
  /** As accounts name it. */
  id: Id
  title: string
  settings: z.ZodType<Settings>
  /** The types of credential that it takes. */
  credentials: readonly string[]
  /**
   * Adds the value to those of the name, and may be repeated. Other values stay: `example.com` and `*.example.com` share
   * one name. Throws `target_refused`, `target_failed`, or what its way throws.
   */
  presentTxt(record: TxtRecord, tools: ProviderTools<Settings>): Promise<void>
  /** Takes this value away and no other; nothing where it is not there. */
  removeTxt(record: TxtRecord, tools: ProviderTools<Settings>): Promise<void>
}

// The settings of an account are parsed by its own provider's schema before the provider sees them.
export type DnsProvider = ProviderOf<string, unknown>

export const defineDnsProvider = <Settings>(provider: ProviderOf<string, Settings>): DnsProvider =>
  provider as unknown as DnsProvider

/** What every provider's settings have. */
export const commonSettings = {
  zones: z
    .array(DnsName)
    .min(1)
    .max(100)
    .optional()
    .describe('The zones that may be written to; left out: whichever the provider has.'),
  wait_seconds_max: z
    .number()
    .int()
    .min(5)
    .max(1_800)
    .default(300)
    .describe('How long a record may take to be seen.'),
}
export const recordTtlSeconds = 60

export const noZone = (): AppError =>
  new AppError('target_refused', 'The DNS account has no zone that holds the name of the challenge.')
