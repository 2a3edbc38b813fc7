import { AppError, type FieldError } from '@opsconductor/errors'
import { fieldErrors } from '@opsconductor/service-kit'
import { faultOfVaultUrl, type OutboundRules } from './outbound.ts'
import { findVaultProvider, vaultProviders } from './providers/index.ts'

interface GivenVault {
  provider: string
  settings: Record<string, unknown>
  auth: Record<string, unknown>
}

export interface ParsedVault {
  settings: Record<string, unknown>
  auth: Record<string, unknown>
}

/** Settings and auth as their provider has them; throws `validation_failed` naming every wrong field and quoting none. */
export function parseVault(given: GivenVault, outbound: OutboundRules): ParsedVault {
  const provider = findVaultProvider(given.provider)
  if (provider === undefined) {
    const names = vaultProviders.map((each) => each.provider).join(', ')
    throw refuse([{ path: 'body.provider', message: `must be one of ${names}` }])
  }
  const settings = provider.settings.safeParse(given.settings)
  const auth = provider.auth.safeParse(given.auth)
  const addresses = settings.success ? provider.addresses(settings.data as never) : {}
  const errors = [
    ...(settings.error ? fieldErrors(settings.error, 'body.settings') : []),
    ...(auth.error ? fieldErrors(auth.error, 'body.auth') : []),
    ...Object.entries(addresses).flatMap(([field, url]) => {
      const message = faultOfVaultUrl(url, outbound)
      return message === undefined ? [] : [{ path: `body.settings.${field}`, message }]
    }),
  ]
  if (errors.length > 0 || !settings.success || !auth.success) throw refuse(errors)
  return { settings: settings.data, auth: auth.data }
}

function refuse(errors: FieldError[]): AppError {
  const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new AppError('validation_failed', detail.slice(0, 1000), { errors })
}
