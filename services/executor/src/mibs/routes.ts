import { callerLabel, projectOf } from '@opsconductor/auth'
import { LoadMib, Mib, MibPage, MibParams, PageQuery, ResolvedMib, ResolveMib } from '@opsconductor/contracts'
import { type AnyRoute, route, toPage } from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { deleteMib } from './delete-mib.ts'
import { loadMib } from './load-mib.ts'
import { mibNotFound } from './mib-not-found.ts'
import { resolveMib } from './resolve-mib.ts'
import { toListedMibWire, toMibWire } from './wire.ts'

const path = '/api/mibs'

export const mibRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  route({
    method: 'post',
    path,
    summary:
      'Load a MIB module, or replace the one of its name. The modules that it imports from must be there.',
    action: 'mibs.write',
    body: LoadMib,
    answers: { 200: Mib, 201: Mib },
    async handle({ caller, body }) {
      const { record, isNew } = await loadMib(deps, projectOf(caller), callerLabel(caller), body.text)
      const headers = { Location: `${path}/${record.name}` }
      return { status: isNew ? 201 : 200, headers, body: toMibWire(record) }
    },
  }),
  route({
    method: 'get',
    path,
    summary: 'The MIB modules that the project has loaded, newest first, without their texts.',
    action: 'mibs.read',
    query: PageQuery,
    answers: { 200: MibPage },
    async handle({ caller, query }) {
      const rows = await deps.mibs.list(projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, toListedMibWire) }
    },
  }),
  route({
    method: 'get',
    path: `${path}/resolve`,
    summary: 'What an OID is called, or which OID a name means.',
    action: 'mibs.read',
    query: ResolveMib,
    answers: { 200: ResolvedMib },
    handle: async ({ caller, query }) => ({
      status: 200,
      body: await resolveMib(deps, projectOf(caller), query),
    }),
  }),
  route({
    method: 'get',
    path: `${path}/{name}`,
    summary: 'One MIB module of the project, with its text.',
    action: 'mibs.read',
    params: MibParams,
    answers: { 200: Mib },
    async handle({ caller, params }) {
      const record = await deps.mibs.find(projectOf(caller), params.name)
      if (record === null) throw mibNotFound()
      return { status: 200, body: toMibWire(record) }
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{name}`,
    summary: 'Drop a MIB module that no other one needs.',
    action: 'mibs.write',
    params: MibParams,
    answers: { 204: null },
    async handle({ caller, params }) {
      await deleteMib(deps, projectOf(caller), callerLabel(caller), params.name)
      return { status: 204 }
    },
  }),
]
