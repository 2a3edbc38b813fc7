import { type CredentialLimits, credentialTypesWithoutTls } from '@opsconductor/contracts'
import { AppError, type FieldError } from '@opsconductor/errors'
import type pg from 'pg'
import { vaultRefType } from '../credential-types/vault-ref.ts'
import { findCaBundleNames } from '../trust/find-ca-bundles.ts'

/** Throws `validation_failed` where a credential of this type is never sent over TLS, and is limited to CA bundles. */
export function assertTakesLimits(
  { type, extra }: { type: string; extra: Readonly<Record<string, unknown>> },
  { ca_bundles }: CredentialLimits,
): void {
  const lentAs = type === vaultRefType ? String(extra.as_type) : type
  if (ca_bundles === undefined || !credentialTypesWithoutTls.includes(lentAs)) return
  const message = `must be left out: a credential of type ${lentAs} is never sent over TLS`
  throw refuse([{ path: 'body.limits.ca_bundles', message }])
}

/** Throws `validation_failed` naming each CA bundle of the limit that the project does not have. */
export async function assertKnownCaBundles(
  executor: pg.Pool | pg.PoolClient,
  projectId: string,
  { ca_bundles = [] }: CredentialLimits,
): Promise<void> {
  if (ca_bundles.length === 0) return
  const known = await findCaBundleNames(executor, projectId, ca_bundles)
  const errors = ca_bundles.flatMap((name, index) =>
    known.includes(name)
      ? []
      : [{ path: `body.limits.ca_bundles[${index}]`, message: 'is no CA bundle of the project' }],
  )
  if (errors.length > 0) throw refuse(errors)
}

const refuse = (errors: FieldError[]) =>
  new AppError('validation_failed', errors.map(({ path, message }) => `${path} ${message}`).join('; '), {
    errors,
  })
