import { projectOf } from '@opsconductor/auth'
import {
  CreateVault,
  IdParams,
  ListVaults,
  pageOf,
  TestVault,
  UpdateVault,
  Vault,
  VaultSync,
  VaultTestResult,
} from '@opsconductor/contracts'
import { route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { projectActor } from '../project-actor.ts'
import { createVault } from './create-vault.ts'
import { deleteVault } from './delete-vault.ts'
import { findVault, listVaults } from './find-vault.ts'
import { findSync, syncOnDemand } from './sync-on-demand.ts'
import { testVault } from './test-vault.ts'
import { updateVault } from './update-vault.ts'
import { syncToWire, vaultToWire } from './vault-to-wire.ts'

export const createVaultRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/vaults',
    summary: 'Make a vault known. What proves who we are is encrypted, and no answer ever holds it.',
    action: 'credentials:write',
    body: CreateVault,
    answers: { 201: Vault },
    async handle({ caller, clientAddress, body }) {
      const vault = await createVault(deps, projectActor(caller, clientAddress), body)
      return { status: 201, headers: { Location: `/api/vaults/${vault.id}` }, body: vaultToWire(vault) }
    },
  })

export const listVaultsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/vaults',
    summary: 'The vaults of the project, newest first; by exact name where asked',
    action: 'credentials:read',
    query: ListVaults,
    answers: { 200: pageOf(Vault) },
    async handle({ caller, query }) {
      const rows = await listVaults(deps, projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, vaultToWire) }
    },
  })

export const getVaultRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/vaults/{id}',
    summary: 'What is known of one vault, without what proves who we are',
    action: 'credentials:read',
    params: IdParams,
    answers: { 200: Vault },
    async handle({ caller, params }) {
      return { status: 200, body: vaultToWire(await findVault(deps, projectOf(caller), params.id)) }
    },
  })

export const updateVaultRoute = (deps: Deps) =>
  route({
    method: 'put',
    path: '/api/vaults/{id}',
    summary: 'Change a vault; new settings need `auth` again',
    action: 'credentials:write',
    params: IdParams,
    body: UpdateVault,
    answers: { 200: Vault },
    async handle({ caller, clientAddress, params, body }) {
      const vault = await updateVault(deps, projectActor(caller, clientAddress), params.id, body)
      return { status: 200, body: vaultToWire(vault) }
    },
  })

export const deleteVaultRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: '/api/vaults/{id}',
    summary: 'Forget a vault that no credential reads from',
    action: 'credentials:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, clientAddress, params }) {
      await deleteVault(deps, projectActor(caller, clientAddress), params.id)
      return { status: 204 }
    },
  })

export const testVaultRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/vaults/{id}/test',
    summary: 'Ask a vault whether it lets us in or, with a path, which keys that secret has',
    action: 'credentials:write',
    params: IdParams,
    body: TestVault,
    answers: { 200: VaultTestResult },
    async handle({ caller, clientAddress, params, body }) {
      return {
        status: 200,
        body: await testVault(deps, projectActor(caller, clientAddress), params.id, body),
      }
    },
  })

export const getSyncRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/credentials/{id}/sync',
    summary: 'How our copy of a synchronised credential stands to its vault',
    action: 'credentials:read',
    params: IdParams,
    answers: { 200: VaultSync },
    async handle({ caller, params }) {
      const copy = await findSync(deps, projectOf(caller), params.id)
      return { status: 200, body: syncToWire(params.id, copy) }
    },
  })

export const syncRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/credentials/{id}/sync',
    summary: 'Read the vault of a synchronised credential now and take what it has',
    action: 'credentials:write',
    params: IdParams,
    answers: { 200: VaultSync },
    async handle({ caller, clientAddress, params }) {
      const copy = await syncOnDemand(deps, projectActor(caller, clientAddress), params.id)
      return { status: 200, body: syncToWire(params.id, copy) }
    },
  })
