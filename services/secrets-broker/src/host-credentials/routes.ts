import { projectOf } from '@opsconductor/auth'
import {
  deleteHostCredentialEndpoint,
  HostCredential,
  ListHostCredentials,
  lookupHostCredentialEndpoint,
  lookupHostCredentialsEndpoint,
  pageOf,
  upsertHostCredentialEndpoint,
} from '@opsconductor/contracts'
import { internalReplyRoute, internalRoute, route } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { deleteHostCredential } from './delete-host-credential.ts'
import { listHostCredentials } from './list-host-credentials.ts'
import { lookupHostCredential } from './lookup-host-credential.ts'
import { lookupHostCredentials } from './lookup-host-credentials.ts'
import { upsertHostCredential } from './upsert-host-credential.ts'

export const upsertHostCredentialRoute = (deps: Deps) =>
  internalRoute(upsertHostCredentialEndpoint, ({ request, ...actor }) =>
    upsertHostCredential(deps, actor, request),
  )

export const lookupHostCredentialRoute = (deps: Deps) =>
  internalReplyRoute(lookupHostCredentialEndpoint, async ({ request, header, ...actor }) => {
    const { etag, credential } = await lookupHostCredential(deps, actor, request, header('if-none-match'))
    const headers = { ETag: etag }
    return credential === undefined ? { status: 304, headers } : { status: 200, headers, body: credential }
  })

export const lookupHostCredentialsRoute = (deps: Deps) =>
  internalRoute(lookupHostCredentialsEndpoint, ({ request, ...actor }) =>
    lookupHostCredentials(deps, actor, request),
  )

export const deleteHostCredentialRoute = (deps: Deps) =>
  internalRoute(deleteHostCredentialEndpoint, ({ request, ...actor }) =>
    deleteHostCredential(deps, actor, request),
  )

export const listHostCredentialsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/host-credentials',
    summary: 'The host credentials of the project, newest first, without their secrets',
    action: 'host-credentials:read',
    query: ListHostCredentials,
    answers: { 200: pageOf(HostCredential) },
    async handle({ caller, query }) {
      return { status: 200, body: await listHostCredentials(deps, projectOf(caller), query) }
    },
  })
