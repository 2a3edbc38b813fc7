import { callerLabel, projectOf } from '@opsconductor/auth'
import {
  CreateDnsAccount,
  DnsAccount,
  DnsProviders,
  IdParams,
  PageQuery,
  pageOf,
  UpdateDnsAccount,
} from '@opsconductor/contracts'
import { type AnyRoute, route, toPage } from '@opsconductor/service-kit'
import { z } from 'zod'
import { assertMayChange } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import { dnsProviders } from '../dns-providers/index.ts'
import { deleteDnsAccount } from './delete-dns-account.ts'
import { findDnsAccount } from './find-dns-account.ts'
import { createDnsAccount, updateDnsAccount } from './save-dns-account.ts'
import { toDnsAccountWire } from './wire.ts'

const path = '/api/certificates/dns-accounts'

/** Before the routes of one certificate: these paths would be read as ids. */
export const dnsAccountRoutes = (deps: Deps): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/certificates/dns-providers',
    summary: 'The DNS providers that dns-01 knows, with the schema of their settings.',
    action: 'certificates.read',
    answers: { 200: DnsProviders },
    handle: async () => ({ status: 200, body: { items: [...dnsProviders.values()].map(describe) } }),
  }),
  route({
    method: 'post',
    path,
    summary: 'Add an account at a DNS provider.',
    action: 'certificates.write',
    body: CreateDnsAccount,
    answers: { 201: DnsAccount },
    handle: async ({ caller, body }) => {
      const account = await createDnsAccount(deps, projectOf(caller), callerLabel(caller), body)
      return { status: 201, headers: { Location: `${path}/${account.id}` }, body: toDnsAccountWire(account) }
    },
  }),
  route({
    method: 'get',
    path,
    summary: "The project's accounts at DNS providers, newest first.",
    action: 'certificates.read',
    query: PageQuery,
    answers: { 200: pageOf(DnsAccount) },
    handle: async ({ caller, query }) => {
      const rows = await deps.dnsAccounts.list(projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, toDnsAccountWire) }
    },
  }),
  route({
    method: 'get',
    path: `${path}/{id}`,
    summary: 'One account at a DNS provider.',
    action: 'certificates.read',
    params: IdParams,
    answers: { 200: DnsAccount },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: toDnsAccountWire(await findDnsAccount(deps, projectOf(caller), params.id)),
    }),
  }),
  route({
    method: 'put',
    path: `${path}/{id}`,
    summary: 'Change an account at a DNS provider; what is left out stays.',
    action: 'certificates.write',
    params: IdParams,
    body: UpdateDnsAccount,
    answers: { 200: DnsAccount },
    handle: async ({ caller, params, body }) => {
      const before = await findDnsAccount(deps, projectOf(caller), params.id)
      await assertMayChange(deps, caller, before)
      return {
        status: 200,
        body: toDnsAccountWire(await updateDnsAccount(deps, before, callerLabel(caller), body)),
      }
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{id}`,
    summary: 'Delete an account at a DNS provider that no certificate names.',
    action: 'certificates.write',
    params: IdParams,
    answers: { 204: null },
    handle: async ({ caller, params }) => {
      const account = await findDnsAccount(deps, projectOf(caller), params.id)
      await assertMayChange(deps, caller, account)
      await deleteDnsAccount(deps, account, callerLabel(caller))
      return { status: 204 }
    },
  }),
]

const describe = ({
  id,
  title,
  settings,
  credentials,
}: NonNullable<ReturnType<typeof dnsProviders.get>>) => ({
  ...{ id, title, credentials },
  settings: z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' }),
})
