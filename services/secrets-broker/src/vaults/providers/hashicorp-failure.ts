import type { AppError } from '@opsconductor/errors'
import { vaultError } from '../vault-error.ts'
import { retryAfterOf, type VaultAnswer } from '../vault-http.ts'

export interface CallOptions {
  method?: 'GET' | 'POST'
  path: string
  token?: string
  body?: Record<string, unknown>
  inNamespace?: boolean
}

/** One request to the vault's API. */
export type Call = (options: CallOptions, signal: AbortSignal) => Promise<VaultAnswer>

/** What an answer other than 200 says. */
export function failureOf(answer: VaultAnswer): AppError {
  const { status, headers } = answer
  const facts = { status }
  if (status === 403)
    return vaultError('vault_forbidden', 'The vault refused access (permission denied).', { facts })
  if (status === 404) return vaultError('vault_secret_not_found', notFoundReason(answer), { facts })
  if (status === 429)
    return vaultError('vault_throttled', 'The vault limits its requests; try again later.', {
      facts,
      retryAfterSeconds: retryAfterOf(headers),
    })
  if (status === 501) return vaultError('vault_sealed', 'The vault is not initialised.', { facts })
  if (status === 503 && isSealed(answer)) return vaultError('vault_sealed', 'The vault is sealed.', { facts })
  // 472: the standby of a disaster recovery cluster. 500: among others, a standby that has lost its leader.
  if (status >= 500 || status === 472)
    return vaultError('vault_unreachable', `The vault failed (status ${status}).`, { facts })
  return vaultError('vault_bad_answer', `The vault refused the request (status ${status}).`, { facts })
}

interface ErrorBody {
  errors?: unknown
  sealed?: unknown
  warnings?: unknown
  data?: { metadata?: { destroyed?: boolean; deletion_time?: string } } | null
}

function bodyOf({ body }: VaultAnswer): ErrorBody {
  try {
    return (JSON.parse(body.toString('utf8')) as ErrorBody | null) ?? {}
  } catch {
    return {}
  }
}

/** sys/health says it in a field, every other path in its text. */
function isSealed(answer: VaultAnswer): boolean {
  const { sealed, errors } = bodyOf(answer)
  return sealed === true || (Array.isArray(errors) && errors.some((text) => /sealed/i.test(String(text))))
}

function notFoundReason(answer: VaultAnswer): string {
  const { data, warnings, errors } = bodyOf(answer)
  if (data?.metadata?.destroyed === true) return 'The version of the secret was destroyed in the vault.'
  if (data?.metadata !== undefined) return 'The secret was deleted in the vault.'
  if (Array.isArray(warnings) && warnings.length > 0)
    return 'There is no such secret; is `kv_version` the right one for this mount?'
  if (Array.isArray(errors) && errors.length > 0) return 'The vault has no such mount or namespace.'
  return 'The vault has no such secret.'
}
