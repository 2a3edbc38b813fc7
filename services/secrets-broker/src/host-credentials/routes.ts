import {
  deleteHostCredentialEndpoint,
  lookupHostCredentialEndpoint,
  upsertHostCredentialEndpoint,
} from '@opsconductor/contracts'
import { internalRoute } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { deleteHostCredential } from './delete-host-credential.ts'
import { lookupHostCredential } from './lookup-host-credential.ts'
import { upsertHostCredential } from './upsert-host-credential.ts'

export const upsertHostCredentialRoute = (deps: Deps) =>
  internalRoute(upsertHostCredentialEndpoint, ({ request, ...actor }) =>
    upsertHostCredential(deps, actor, request),
  )

export const lookupHostCredentialRoute = (deps: Deps) =>
  internalRoute(lookupHostCredentialEndpoint, ({ request, ...actor }) =>
    lookupHostCredential(deps, actor, request),
  )

export const deleteHostCredentialRoute = (deps: Deps) =>
  internalRoute(deleteHostCredentialEndpoint, ({ request, ...actor }) =>
    deleteHostCredential(deps, actor, request),
  )
