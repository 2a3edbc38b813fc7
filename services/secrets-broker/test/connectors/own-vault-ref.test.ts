import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type FurnishedVault, startFurnishedVault } from '../furnished-vault.ts'
import { type RunningBroker, startBroker } from '../running-broker.ts'
import { connectorCalls } from './connector-calls.ts'

let broker: RunningBroker
let vault: FurnishedVault
beforeAll(async () => {
  ;[broker, vault] = await Promise.all([
    startBroker({ VAULTS_ALLOW_LOOPBACK: 'true' }),
    startFurnishedVault(),
  ])
})
afterAll(() => Promise.all([broker.stop(), vault.close()]))

test('a connector’s own credential may refer to a vault, of its own project alone, and is lent as what it is there', async () => {
  const { connectOwn, use, runOf } = connectorCalls(broker)
  const project = await broker.createProject()
  const other = await broker.createProject()
  await broker.api('POST', '/api/vaults', project.asOwner, {
    ...{ name: 'team', provider: 'hashicorp-vault', settings: vault.settings, auth: vault.auth },
  })
  await vault.put('app/shop', { value: 'from-the-vault' })
  const reference = {
    type: 'vault_ref',
    extra: { mode: 'read_through', vault: 'team', path: 'app/shop', as_type: 'bearer_token' },
  }
  const id = await connectOwn(project.projectId, reference)
  const useIn = (projectId: string, connector: string) =>
    use(connector, { project_id: projectId, run_id: runOf(projectId, connector), step_id: 's' })
  for (const { projectId } of [project, other]) {
    const { body } = await useIn(projectId, id)
    expect([body.id, body.type, body.secret]).toEqual([id, 'bearer_token', { token: 'from-the-vault' }])
  }
  const theirs = await connectOwn(other.projectId, reference)
  expect((await useIn(other.projectId, theirs)).body.code).toBe('vault_secret_not_found')
})
