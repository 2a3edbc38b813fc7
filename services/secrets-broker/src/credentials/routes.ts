import { projectOf } from '@opsconductor/auth'
import {
  CreateCredential,
  Credential,
  CredentialReference,
  describeCredentialEndpoint,
  IdParams,
  ListCredentials,
  pageOf,
  useCredentialEndpoint,
} from '@opsconductor/contracts'
import { internalRoute, route, toPage, validate } from '@opsconductor/service-kit'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { projectActor } from '../project-actor.ts'
import { createCredential } from './create-credential.ts'
import { credentialToWire } from './credential-to-wire.ts'
import { deleteCredential } from './delete-credential.ts'
import { findCredential } from './find-credential.ts'
import { listCredentials } from './list-credentials.ts'
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
        headers: { Location: `/api/credentials/${record.id}` },
        body: credentialToWire(record),
      }
    },
  })

export const listCredentialsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/credentials',
    summary: 'The credentials of the project, newest first; by type or exact name where asked',
    action: 'credentials:read',
    query: ListCredentials,
    answers: { 200: pageOf(Credential) },
    async handle({ caller, query }) {
      const rows = await listCredentials(deps, projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, credentialToWire) }
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
      return { status: 200, body: credentialToWire(await findCredential(deps, projectOf(caller), params.id)) }
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

export const useCredentialRoute = (deps: Deps) =>
  internalRoute(useCredentialEndpoint, ({ params, request, ...actor }) =>
    useCredential(deps, actor, validate(ReferenceParams, params, 'params').reference, request),
  )

export const describeCredentialRoute = (deps: Deps) =>
  internalRoute(describeCredentialEndpoint, async ({ params, request }) => {
    const { reference } = validate(ReferenceParams, params, 'params')
    return credentialToWire(await findCredential(deps, request.project_id, reference))
  })
