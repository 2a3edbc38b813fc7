import { projectOf } from '@opsconductor/auth'
import {
  CaBundle,
  CreateCaBundle,
  IdParams,
  ListedCaBundle,
  PageQuery,
  pageOf,
  UpdateCaBundle,
} from '@opsconductor/contracts'
import { route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { projectActor } from '../project-actor.ts'
import { createCaBundle } from './create-ca-bundle.ts'
import { deleteCaBundle } from './delete-ca-bundle.ts'
import { findCaBundle, listCaBundles } from './find-ca-bundles.ts'
import { caBundleToWire, listedCaBundleToWire } from './trust-to-wire.ts'
import { updateCaBundle } from './update-ca-bundle.ts'

const path = '/api/trust/ca-bundles'

export const createCaBundleRoute = (deps: Deps) =>
  route({
    method: 'post',
    path,
    summary: 'Trust the certificate authorities of a PEM text',
    action: 'trust:write',
    body: CreateCaBundle,
    answers: { 201: CaBundle },
    async handle({ caller, clientAddress, body }) {
      const record = await createCaBundle(deps, projectActor(caller, clientAddress), body)
      return { status: 201, headers: { Location: `${path}/${record.id}` }, body: caBundleToWire(record) }
    },
  })

export const listCaBundlesRoute = (deps: Deps) =>
  route({
    method: 'get',
    path,
    summary: 'The CA bundles that the project trusts, newest first',
    action: 'trust:read',
    query: PageQuery,
    answers: { 200: pageOf(ListedCaBundle) },
    async handle({ caller, query }) {
      const rows = await listCaBundles(deps, projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, listedCaBundleToWire) }
    },
  })

export const getCaBundleRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: `${path}/{id}`,
    summary: 'One CA bundle, with its certificates',
    action: 'trust:read',
    params: IdParams,
    answers: { 200: CaBundle },
    async handle({ caller, params }) {
      return { status: 200, body: caBundleToWire(await findCaBundle(deps, projectOf(caller), params.id)) }
    },
  })

export const updateCaBundleRoute = (deps: Deps) =>
  route({
    method: 'put',
    path: `${path}/{id}`,
    summary: 'Rename a CA bundle, or replace its certificates',
    action: 'trust:write',
    params: IdParams,
    body: UpdateCaBundle,
    answers: { 200: CaBundle },
    async handle({ caller, clientAddress, params, body }) {
      const record = await updateCaBundle(deps, projectActor(caller, clientAddress), params.id, body)
      return { status: 200, body: caBundleToWire(record) }
    },
  })

export const deleteCaBundleRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: `${path}/{id}`,
    summary: 'Trust a CA bundle no more',
    action: 'trust:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, clientAddress, params }) {
      await deleteCaBundle(deps, projectActor(caller, clientAddress), params.id)
      return { status: 204 }
    },
  })
