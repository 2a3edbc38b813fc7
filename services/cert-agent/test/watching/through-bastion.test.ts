import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type SshdPeer, startSshd } from '@opsconductor/test-peers'
import { addLogin, trust } from '../deploying/support.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { caPem, issue, rowsOf, serialOf, startTlsServer } from './fleet.ts'

let agent: AgentUnderTest
let bastion: SshdPeer
let server: Awaited<ReturnType<typeof startTlsServer>>
const identity = issue(['inner.example.test'])
beforeAll(async () => {
  bastion = await startSshd()
  server = await startTlsServer(identity)
  agent = await startAgent({ isIdle: true })
  agent.broker.caBundles.push(caPem)
  agent.executor.open(bastion.port, server.port)
  trust(agent, bastion)
  const { projectId } = agent
  const { host, port } = bastion
  agent.executor.bastions.push({
    ...{ projectId, name: 'edge', host, port },
    credential: addLogin(agent, bastion).name,
  })
})
afterAll(async () => {
  await agent?.stop()
  await Promise.all([server?.close(), bastion?.close()])
})

const probe = async (via: string[]) => {
  const rows = rowsOf(agent, agent.projectId)
  const { id: serverId } = await rows.addServer({ via })
  const vhost = { names: ['inner.example.test'], probePort: server.port }
  const { id } = await rows.addVhost(serverId, vhost)
  const answer = await agent.call('POST', `/api/servers/${serverId}/vhosts/${id}/probe`)
  const { rows: operations } = await agent.owner.query(
    'SELECT id, kind, state, cardinality(credentials) AS credentials FROM cert_agent.operations WHERE server_id = $1',
    [serverId],
  )
  return { ...answer, operations }
}

test('a virtual host behind a bastion is seen from there, under an operation that borrows what opens the bastion', async () => {
  agent.broker.lent.length = 0
  const { status, body, operations } = await probe(['edge'])
  expect([status, body.state, body.served.serial]).toEqual([200, 'ok', serialOf(identity)])
  const [operation] = operations
  expect(operation).toMatchObject({ kind: 'probe', state: 'succeeded' })
  expect(agent.broker.lent.map(({ operation_id }) => operation_id)).toEqual([operation.id])
})

test('where a bastion is gone the virtual host says so, and the operation has failed', async () => {
  const { status, body, operations } = await probe([randomUUID()])
  expect([status, body.state, body.probe_error?.code]).toEqual([200, 'unreachable', expect.any(String)])
  expect(operations).toEqual([expect.objectContaining({ state: 'failed' })])
})

test('what opens the bastion is gone: that is the fault of the project, told as such and not tried for ever', async () => {
  const { projectId } = agent
  const { host, port } = bastion
  agent.executor.bastions.push({ projectId, name: 'locked', host, port, credential: 'deleted' })
  const { status, body } = await probe(['locked'])
  expect([status, body.state, body.probe_error?.code]).toEqual([200, 'unreachable', 'not_found'])
  expect(body.probed_at).not.toBeNull()
})
