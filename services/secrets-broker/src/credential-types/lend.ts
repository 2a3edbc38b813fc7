import type { LentCredential } from '@opsconductor/contracts'
import { findCredentialType } from './index.ts'

/**
 * What a borrower needs besides the secret: `redact`, every text to remove from what targets echo, and `http`, what the
 * credential adds to a request, null where it is not applied to requests as it is. Takes what `parseCredential` gave;
 * a type that is no longer known is lent by its parts alone.
 */
export function lendable(
  typeName: string,
  secret: Record<string, string>,
  extra: Record<string, unknown>,
): Pick<LentCredential, 'redact' | 'http'> {
  const type = findCredentialType(typeName)
  const http = type?.http?.(secret, extra)
  return {
    redact: [...new Set([...Object.values(secret), ...(type?.secretsToRedact?.(secret, extra) ?? [])])],
    http: http === undefined ? null : { headers: http.headers ?? {}, query: http.query ?? {} },
  }
}
