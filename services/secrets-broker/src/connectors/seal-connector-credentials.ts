import type { sealConnectorCredentialsEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { vaultRefType } from '../credential-types/vault-ref.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { sealAt } from '../keyring/seal-text.ts'
import { connectorPlace, toSealable } from './connector-secret.ts'

/** Checks a connector's own credential as one of the project's is, and encrypts it. A refused attempt is logged too. */
export function sealConnectorCredentials(
  deps: Deps,
  actor: InternalActor,
  id: string,
  { project_id, ...given }: z.infer<typeof sealConnectorCredentialsEndpoint.request>,
) {
  return sealAt(deps, actor, connectorPlace(id, project_id), async () => {
    // Its copy is kept beside a credential of the project, and there is none.
    if (given.type === vaultRefType && given.extra.mode === 'synchronised')
      throw new AppError('validation_failed', 'body.extra.mode must be read_through', {
        errors: [
          {
            path: 'body.extra.mode',
            message: 'must be read_through: only a credential of the project is synchronised',
          },
        ],
      })
    return toSealable(given)
  })
}
