import { projectOf } from '@opsconductor/auth'
import {
  CreateCredential,
  Credential,
  CredentialReference,
  CredentialTestResult,
  CredentialVersions,
  describeCredentialEndpoint,
  IdParams,
  keepCredentialEndpoint,
  ListCredentials,
  ListedCredential,
  pageOf,
  RestoreCredential,
  RollbackCredential,
  TestCredential,
  UpdateCredential,
  useCredentialEndpoint,
} from '@opsconductor/contracts'
import { internalRoute, route, toPage, validate } from '@opsconductor/service-kit'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { projectActor } from '../project-actor.ts'
import { createCredential } from './create-credential.ts'
import {
  credentialReply,
  credentialToWire,
  listedCredentialToWire,
  versionToWire,
} from './credential-to-wire.ts'
import { deleteCredential } from './delete-credential.ts'
import { etagOf } from './expected-version.ts'
import { findCredential } from './find-credential.ts'
import { keepCredential } from './keep-credential.ts'
import { listCredentials } from './list-credentials.ts'
import { listVersions } from './list-versions.ts'
import { restoreCredential } from './restore-credential.ts'
import { rollbackCredential } from './rollback-credential.ts'
import { testCredential } from './test-credential.ts'
import { updateCredential } from './update-credential.ts'
import { useCredential } from './use-credential.ts'

const ReferenceParams = z.object({ reference: CredentialReference })

export const createCredentialRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/credentials',
    summary: 'Store a credential. Its secret is encrypted, and no answer ever holds it.',
    action: 'credentials:write',
    body: CreateCredential,
    answers: { 201: Credential },
    async handle({ caller, clientAddress, body }) {
      const record = await createCredential(deps, projectActor(caller, clientAddress), body)
      return {
        status: 201,
        headers: { Location: `/api/credentials/${record.id}`, ETag: etagOf(record) },
        body: credentialToWire(record),
      }
    },
  })

export const listCredentialsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/credentials',
    summary:
      'The credentials of the project, newest first. `deleted=true` is for who may write them; names match exactly.',
    action: 'credentials:read',
    query: ListCredentials,
    answers: { 200: pageOf(ListedCredential) },
    async handle({ caller, query }) {
      const rows = await listCredentials(deps, caller, query)
      return { status: 200, body: toPage(rows, query.limit, listedCredentialToWire) }
    },
  })

export const getCredentialRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/credentials/{id}',
    summary: 'What is known of one credential, without its secret',
    action: 'credentials:read',
    params: IdParams,
    answers: { 200: Credential },
    async handle({ caller, params }) {
      return credentialReply(await findCredential(deps, projectOf(caller), params.id))
    },
  })

export const updateCredentialRoute = (deps: Deps) =>
  route({
    method: 'put',
    path: '/api/credentials/{id}',
    summary:
      'Change a credential; a new secret makes its next version. With If-Match, only if it is still at that ETag.',
    action: 'credentials:write',
    params: IdParams,
    body: UpdateCredential,
    answers: { 200: Credential },
    async handle({ caller, clientAddress, header, params, body }) {
      const actor = projectActor(caller, clientAddress)
      return credentialReply(await updateCredential(deps, actor, params.id, body, header('if-match')))
    },
  })

export const listVersionsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/credentials/{id}/versions',
    summary: 'The versions of a credential that are kept, newest first, without their secrets',
    action: 'credentials:read',
    params: IdParams,
    answers: { 200: CredentialVersions },
    async handle({ caller, params }) {
      const versions = await listVersions(deps, projectOf(caller), params.id)
      return { status: 200, body: { items: versions.map(versionToWire) } }
    },
  })

export const rollbackCredentialRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/credentials/{id}/rollback',
    summary:
      'Make a new version with the secret of a former one. With If-Match, only if it is still at that ETag.',
    action: 'credentials:write',
    params: IdParams,
    body: RollbackCredential,
    answers: { 200: Credential },
    async handle({ caller, clientAddress, header, params, body }) {
      const actor = projectActor(caller, clientAddress)
      return credentialReply(
        await rollbackCredential(deps, actor, params.id, body.version, header('if-match')),
      )
    },
  })

export const restoreCredentialRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/credentials/{id}/restore',
    summary: 'Put a deleted credential back to use, under another name where the former was taken meanwhile',
    action: 'credentials:write',
    params: IdParams,
    body: RestoreCredential,
    answers: { 200: Credential },
    async handle({ caller, clientAddress, params, body }) {
      return credentialReply(
        await restoreCredential(deps, projectActor(caller, clientAddress), params.id, body),
      )
    },
  })

export const deleteCredentialRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: '/api/credentials/{id}',
    summary: 'Take a credential out of use',
    action: 'credentials:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, clientAddress, params }) {
      await deleteCredential(deps, projectActor(caller, clientAddress), params.id)
      return { status: 204 }
    },
  })

export const testCredentialRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/credentials/{id}/test',
    summary:
      'Try a credential on its target, or on the URL given. Whoever may do this chooses where the secret goes.',
    // Not for who may only read: the URL that is given receives the secret.
    action: 'credentials:write',
    params: IdParams,
    body: TestCredential.default({}),
    answers: { 200: CredentialTestResult },
    async handle({ caller, clientAddress, params, body }) {
      const result = await testCredential(deps, projectActor(caller, clientAddress), params.id, body)
      return { status: 200, body: result }
    },
  })

export const useCredentialRoute = (deps: Deps) =>
  internalRoute(useCredentialEndpoint, ({ params, request, ...actor }) =>
    useCredential(deps, actor, validate(ReferenceParams, params, 'params').reference, request),
  )

export const keepCredentialRoute = (deps: Deps) =>
  internalRoute(keepCredentialEndpoint, ({ request, ...actor }) => keepCredential(deps, actor, request))

export const describeCredentialRoute = (deps: Deps) =>
  internalRoute(describeCredentialEndpoint, async ({ params, request }) => {
    const { reference } = validate(ReferenceParams, params, 'params')
    return credentialToWire(await findCredential(deps, request.project_id, reference))
  })
