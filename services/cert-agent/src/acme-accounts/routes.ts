import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import {
  AcmeAccount,
  CreateAcmeAccount,
  IdParams,
  PageQuery,
  pageOf,
  UpdateAcmeAccount,
} from '@opsconductor/contracts'
import { type AnyRoute, createRateLimit, route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { createAccount } from './create-account.ts'
import { deleteAccount } from './delete-account.ts'
import { findAccount } from './find-account.ts'
import { updateAccount } from './update-account.ts'
import { accountToWire } from './wire.ts'

type Limit = (caller: Caller) => void

/** Each of these asks the CA. */
function createLimit(): Limit {
  const limit = createRateLimit({
    ...{ max: 30, windowMs: 60_000 },
    detail: 'Too many accounts are registered or changed.',
  })
  return (caller) => limit.take(callerLabel(caller))
}

const createAcmeAccountRoute = (deps: Deps, take: Limit) =>
  route({
    method: 'post',
    path: '/api/certificates/accounts',
    summary: 'Register an account at a certificate authority; its key is in no answer',
    action: 'certificates.write',
    body: CreateAcmeAccount,
    answers: { 201: AcmeAccount },
    async handle({ caller, body, signal }) {
      take(caller)
      const account = await createAccount(deps, caller, body, signal)
      return {
        status: 201,
        headers: { Location: `/api/certificates/accounts/${account.id}` },
        body: accountToWire(account),
      }
    },
  })

const listAcmeAccountsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/certificates/accounts',
    summary: "The project's accounts at certificate authorities, newest first",
    action: 'certificates.read',
    query: PageQuery,
    answers: { 200: pageOf(AcmeAccount) },
    async handle({ caller, query }) {
      const accounts = await deps.acmeAccounts.list(projectOf(caller), query)
      return { status: 200, body: toPage(accounts, query.limit, accountToWire) }
    },
  })

const getAcmeAccountRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/certificates/accounts/{id}',
    summary: 'One account',
    action: 'certificates.read',
    params: IdParams,
    answers: { 200: AcmeAccount },
    async handle({ caller, params }) {
      return { status: 200, body: accountToWire(await findAccount(deps, caller, params.id)) }
    },
  })

const updateAcmeAccountRoute = (deps: Deps, take: Limit) =>
  route({
    method: 'put',
    path: '/api/certificates/accounts/{id}',
    summary: 'Change an account; what is left out stays',
    action: 'certificates.write',
    params: IdParams,
    body: UpdateAcmeAccount,
    answers: { 200: AcmeAccount },
    async handle({ caller, params, body, signal }) {
      take(caller)
      return { status: 200, body: accountToWire(await updateAccount(deps, caller, params.id, body, signal)) }
    },
  })

const deleteAcmeAccountRoute = (deps: Deps, take: Limit) =>
  route({
    method: 'delete',
    path: '/api/certificates/accounts/{id}',
    summary: 'Deactivate an account at its authority and forget it',
    action: 'certificates.write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, params, signal }) {
      take(caller)
      await deleteAccount(deps, caller, params.id, signal)
      return { status: 204 }
    },
  })

export function acmeAccountRoutes(deps: Deps): AnyRoute[] {
  const take = createLimit()
  return [
    createAcmeAccountRoute(deps, take),
    listAcmeAccountsRoute(deps),
    getAcmeAccountRoute(deps),
    updateAcmeAccountRoute(deps, take),
    deleteAcmeAccountRoute(deps, take),
  ]
}
