import { validate } from '@opsconductor/service-kit'
import { z } from 'zod'
import type { DnsProvider } from '../dns-providers/define-dns-provider.ts'
import type { DnsAccountFields } from './store.ts'

/** Settings as the provider has them, defaults filled in. Throws `validation_failed`, naming each field. */
export const validateSettings = (provider: DnsProvider, settings: unknown): DnsAccountFields['settings'] =>
  validate(z.object({ settings: provider.settings }), { settings }, 'body')
    .settings as DnsAccountFields['settings']
