import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { deployCertificate } from '../../src/deploying/deploy-certificate.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { type Fleet, faultOf, startFleet, type TestDeployment, watchServed } from './support.ts'

let agent: AgentUnderTest
let fleet: Fleet
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  fleet = await startFleet(agent)
})
afterAll(async () => {
  await fleet?.close()
  await agent?.stop()
})

const template = (more = '') =>
  [
    'server {',
    `  listen 127.0.0.1:${fleet.nginx.port} ssl;`,
    '  server_name {{ server_names }};',
    '  ssl_certificate {{ certificate_path }};',
    '  ssl_certificate_key {{ key_path }};',
    `  return 200 "templated${more}";`,
    '}',
    '',
  ].join('\n')

/** A virtual host with a template, whose first version is live. */
async function startSite(name: string): Promise<TestDeployment & { configFile: string }> {
  const { id: serverId } = await fleet.addServer({ config_directories: [fleet.nginx.sites] })
  const configFile = fleet.nginx.siteFile(name)
  const deployment = await fleet.addDeployment(serverId, [name], { configFile, template: template() })
  await deployment.addVersion()
  await deployment.deploy()
  await fleet.nginx.settled()
  return { ...deployment, configFile }
}

const setTemplate = (certificateId: string, text: string) =>
  agent.deps.prisma.vhost.updateMany({ where: { certificateId }, data: { template: text } })

/** As a process that dies once it has entered the state, or loses the server to another: it does nothing more, there or here. */
async function dieAt(deployment: TestDeployment, state: string): Promise<void> {
  const death = new AbortController()
  const dead = new Error('dead')
  await deployCertificate(
    {
      ...agent.deps,
      leases: { ...agent.deps.leases, withSharedLease: (_key, _signal, work) => work(death.signal) },
    },
    {
      ...{ operationId: randomUUID(), deploymentId: deployment.id, actor: 'test', patienceMs: 300 },
      signal: new AbortController().signal,
      onState: (entered) => entered === state && death.abort(dead),
    },
  ).then(
    () => expect(state).toBe('live'),
    (error: unknown) => expect(error).toBe(dead),
  )
}

test('004.CFG-3 a virtual host is made from its template, with its certificate', async () => {
  const site = await startSite('made.example.test')
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 1 })
  expect(readFileSync(site.configFile, 'utf8')).toContain(`ssl_certificate ${site.paths.certificate};`)
})

test.each(['staging', 'testing', 'swapping', 'reloading', 'probing', 'rolling_back'])(
  'whoever dies at %s leaves the old version served or the new one, and the next attempt ends right',
  async (state) => {
    const name = `dies-${state.replace('_', '-')}.example.test`
    const site = await startSite(name)
    const old = await fleet.nginx.served(name)
    const stop = watchServed(fleet.nginx, name)
    const { serial } = await site.addVersion()
    await setTemplate(site.certificateId, template(' anew'))
    fleet.nginx.setFault('reload-ignored', state === 'rolling_back')
    try {
      await dieAt(site, state)
    } finally {
      fleet.nginx.setFault('reload-ignored', false)
    }
    expect((await site.row()).state).toBe(state)
    await site.deploy()
    expect(await stop()).toEqual({ failures: 0, serials: [old, serial] })
    expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2 })
    expect(readFileSync(site.configFile, 'utf8')).toContain('templated anew')
    expect(existsSync(`${site.paths.folder}/undo`)).toBe(false)
  },
)

test.each(['reloading', 'probing'])(
  'what a process that died at %s has begun is taken back where the next attempt fails',
  async (state) => {
    const name = `back-${state}.example.test`
    const site = await startSite(name)
    const old = await fleet.nginx.served(name)
    const before = readFileSync(site.configFile, 'utf8')
    await site.addVersion()
    await setTemplate(site.certificateId, template(' anew'))
    await dieAt(site, state)
    await site.addVersion()
    await setTemplate(site.certificateId, template(' anew').replace('return 200', 'return 200 too many'))
    expect(await faultOf(site.deploy())).toMatch(
      /Putting the new version in place failed: NGINX refuses .* It was rolled back: version 1 is served/,
    )
    expect(readFileSync(site.configFile, 'utf8')).toBe(before)
    expect(readlinkSync(`${site.paths.folder}/live`)).toBe('versions/1')
    await fleet.nginx.settled()
    expect(await fleet.nginx.served(name)).toBe(old)
    expect(await site.row()).toMatchObject({ state: 'failed', liveVersion: 1 })
  },
)

test('a template that was swapped by a process that died before the reload is loaded by the next attempt', async () => {
  const name = 'template.example.test'
  const site = await startSite(name)
  await setTemplate(site.certificateId, template(' anew'))
  await dieAt(site, 'reloading')
  expect(readFileSync(site.configFile, 'utf8')).toContain('templated anew')
  await site.deploy()
  await fleet.nginx.settled()
  expect(await fleet.nginx.answerOf(name)).toBe('templated anew')
})

test('a virtual host that moves to another file while a deployment is half done leaves that file as it was', async () => {
  const name = 'moves.example.test'
  const site = await startSite(name)
  await setTemplate(site.certificateId, template(' anew'))
  await dieAt(site, 'reloading')
  const elsewhere = fleet.nginx.siteFile('moved.example.test')
  fleet.nginx.setSite({ names: ['moved.example.test'] })
  const before = readFileSync(elsewhere, 'utf8')
  await agent.deps.prisma.vhost.updateMany({
    where: { certificateId: site.certificateId },
    data: { configFile: elsewhere, template: template(' anew').replace('return 200', 'return 200 too many') },
  })
  expect(await faultOf(site.deploy())).toMatch(/NGINX refuses the new configuration/)
  expect(readFileSync(elsewhere, 'utf8')).toBe(before)
  expect(readFileSync(site.configFile, 'utf8')).not.toContain('anew')
})

test('whoever stops a deployment has it taken back', async () => {
  const name = 'stopped.example.test'
  const site = await startSite(name)
  const old = await fleet.nginx.served(name)
  await site.addVersion()
  const stop = new AbortController()
  const stopping = { signal: stop.signal, onState: (state: string) => state === 'probing' && stop.abort() }
  expect(await faultOf(site.deploy(stopping))).toMatch(
    /^run_cancelled: .* It was stopped\. It was rolled back: version 1 is served\.$/,
  )
  await fleet.nginx.settled()
  expect(await fleet.nginx.served(name)).toBe(old)
  expect(await site.row()).toMatchObject({ state: 'failed', lastError: { code: 'run_cancelled' } })
  await site.deploy()
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2 })
})
