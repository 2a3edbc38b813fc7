import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type SshdPeer, startSshd } from '@opsconductor/test-peers'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { addLogin, type Fleet, faultOf, startFleet, trust, watchServed } from './support.ts'

let agent: AgentUnderTest
let fleet: Fleet
let bastions: SshdPeer[] = []
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  fleet = await startFleet(agent)
  bastions = await Promise.all([startSshd(), startSshd()])
  bastions.forEach((bastion, index) => {
    trust(agent, bastion)
    agent.executor.open(bastion.port)
    const { projectId } = agent
    const { id: credential } = addLogin(agent, bastion)
    const { host, port } = bastion
    agent.executor.bastions.push({ projectId, name: `hop-${index}`, host, port, credential })
  })
})
afterAll(async () => {
  await Promise.all(bastions.map((bastion) => bastion.close()))
  await fleet?.close()
  await agent?.stop()
})

test('004.SSH-1 a server behind two bastions is deployed to, and looked at, through both', async () => {
  const site = await fleet.addSite('behind.example.test', {}, { via: ['hop-0', 'hop-1'] })
  await site.addVersion()
  const operationId = randomUUID()
  await site.deploy({ operationId })
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 1 })
  expect(bastions.every((bastion) => bastion.descendants().length > 0)).toBe(true)
  const lent = agent.broker.lent.filter(({ operation_id }) => operation_id === operationId)
  expect(lent).toHaveLength(4)
})

test('a bastion that is gone is named', async () => {
  const { id: serverId } = await fleet.addServer({}, { via: ['hop-9'] })
  const site = await fleet.addDeployment(serverId, ['gone.example.test'])
  await site.addVersion()
  expect(await faultOf(site.deploy())).toMatch(/^step_failed: The project has no bastion hop-9/)
})

test.each([
  ['swap and reload', 'reloading'],
  ['reload and probe', 'probing'],
])('a process that is killed between %s is followed by one that ends it right', async (_, state) => {
  const name = `killed-${state}.example.test`
  const site = await fleet.addSite(name)
  const { serial } = await site.addVersion()
  await site.deploy()
  await fleet.nginx.settled()
  const stop = watchServed(fleet.nginx, name)
  const next = await site.addVersion()
  const operationId = randomUUID()
  const { config } = agent.deps
  const child = spawn(
    process.execPath,
    ['--no-warnings', join(import.meta.dirname, 'dying-process.ts'), operationId, site.id, state],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        DATABASE_URL: config.DATABASE_URL,
        INTERNAL_KEY: config.INTERNAL_KEY?.join(','),
        API_KEY_URL: config.API_KEY_URL,
        SECRETS_BROKER_URL: config.SECRETS_BROKER_URL,
        EXECUTOR_URL: config.EXECUTOR_URL,
        TEMPORAL_ADDRESS: config.TEMPORAL_ADDRESS,
      },
    },
  )
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
  expect(readlinkSync(`${site.paths.folder}/live`)).toBe('versions/2')
  expect((await site.row()).state).toBe(state)
  // As if the time had gone by that the dead process has its lease for.
  await agent.owner.query('UPDATE cert_agent.leases SET expires_at = now()')
  await site.deploy({ operationId })
  expect(await stop()).toEqual({ failures: 0, serials: [serial, next.serial] })
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2 })
})
