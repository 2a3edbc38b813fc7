import { randomUUID } from 'node:crypto'
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { CertificateNotifications } from '@opsconductor/contracts'
import { performDeployment } from '../../src/deployments/perform-deployment.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { type Fleet, faultOf, issue, startFleet, watchServed } from './support.ts'

let agent: AgentUnderTest
let fleet: Fleet
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  fleet = await startFleet(agent)
  await agent.deps.notifications.putSettings(agent.projectId, CertificateNotifications.parse({}), 'test')
})
afterAll(async () => {
  await fleet?.close()
  await agent?.stop()
})

/** By which keys the project was told of a deployment. */
async function toldOf(id: string): Promise<string[]> {
  const rows = await agent.deps.prisma.notification.findMany({ where: { key: { contains: id } } })
  return rows.map(({ key }) => key)
}

const audited = (serverId: string) =>
  agent.deps.prisma.auditRow.findMany({ where: { serverId }, orderBy: { id: 'asc' } })

test('004.SSH-3 a first version, and the next, go live without one failed handshake', async () => {
  const { nginx } = fleet
  const name = 'first.example.test'
  const { id: serverId } = await fleet.addServer()
  nginx.setSite({ names: [name] })
  nginx.reload()
  const deployment = await fleet.addDeployment(serverId, [name])
  const { paths } = deployment
  nginx.setSite({ names: [name], certificate: paths.certificate, key: paths.key })
  const stop = watchServed(nginx, name)
  const first = await deployment.addVersion()
  expect(await deployment.deploy()).toEqual(['staging', 'swapping', 'reloading', 'probing', 'live'])
  await nginx.settled()
  expect(await nginx.served(name)).toBe(first.serial)
  const second = await deployment.addVersion()
  expect(await deployment.deploy()).toEqual([
    'staging',
    'testing',
    'swapping',
    'reloading',
    'probing',
    'live',
  ])
  const { failures, serials } = await stop()
  expect(failures).toBe(0)
  expect(serials.slice(-2)).toEqual([first.serial, second.serial])
  expect(await deployment.row()).toMatchObject({ state: 'live', liveVersion: 2, lastError: null })
  expect(readlinkSync(`${paths.folder}/live`)).toBe('versions/2')
  expect(statSync(`${paths.folder}/live/privkey.pem`).mode & 0o777).toBe(0o600)
  expect(readFileSync(paths.certificate, 'utf8')).toBe(second.certificate)
  expect(existsSync(`${paths.folder}/undo`)).toBe(false)
})

test('a deployment that is repeated looks once, writes nothing and does not reload', async () => {
  const site = await fleet.startSite('again.example.test')
  const before = (await audited(site.serverId)).length
  expect(await site.deploy()).toEqual(['probing', 'live'])
  const rows = (await audited(site.serverId)).slice(before)
  expect(rows.map(({ action }) => action)).toEqual(['ssh.connect', 'ssh.command'])
})

test('004.LOG-4 every command and file is audited, and no key is', async () => {
  const site = await fleet.startSite('audited.example.test')
  const rows = await audited(site.serverId)
  expect(rows.map(({ action }) => action)).toEqual([
    ...['ssh.connect', 'ssh.command', 'ssh.command', 'ssh.file', 'ssh.file'],
    ...['ssh.command', 'ssh.command', 'ssh.command'],
  ])
  expect(rows[3]?.detail).toMatchObject({
    bytes: expect.any(Number),
    sha256: expect.any(String),
    mode: '644',
  })
  const key = readFileSync(`${site.paths.folder}/live/privkey.pem`, 'utf8').split('\n')[1] as string
  expect(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? '' : value))).not.toContain(key)
  expect(agent.lines.join('\n')).not.toContain(key)
})

test('only the last versions are kept', async () => {
  const site = await fleet.startSite('kept.example.test')
  for (const _ of [2, 3, 4, 5]) {
    await site.addVersion()
    await site.deploy()
  }
  expect(readdirSync(`${site.paths.folder}/versions`).sort()).toEqual(['3', '4', '5'])
})

test('a key of another certificate never reaches the server', async () => {
  const site = await fleet.startSite('key.example.test')
  await site.addVersion({ key: issue(['key.example.test']).key })
  const before = (await audited(site.serverId)).length
  expect(await faultOf(site.deploy())).toMatch(
    /^step_failed: Version 2 .* the private key belongs to another/,
  )
  expect(await audited(site.serverId)).toHaveLength(before)
  expect(await site.row()).toMatchObject({
    state: 'failed',
    liveVersion: 1,
    lastError: { code: 'step_failed' },
  })
})

test('a deployment that no virtual host names any more ends, and is forgotten', async () => {
  const site = await fleet.startSite('nameless.example.test')
  const { projectId, deps } = agent
  const { id: operationId } = await deps.operations.insert(
    { projectId, kind: 'deploy', actor: 'test' },
    'running',
  )
  await deps.prisma.deployment.update({ where: { id: site.id }, data: { operationId } })
  await deps.prisma.vhost.deleteMany({ where: { certificateId: site.certificateId } })
  const attempt = performDeployment(
    deps,
    { operationId, deploymentId: site.id },
    new AbortController().signal,
  )
  expect(await attempt).toEqual({ state: 'superseded' })
  expect(await deps.prisma.deployment.count({ where: { id: site.id } })).toBe(0)
})

test('004.14 what is served is not written over by a version whose number a restored database gives anew', async () => {
  const name = 'restored.example.test'
  const site = await fleet.startSite(name)
  const old = await fleet.nginx.served(name)
  const before = readFileSync(site.paths.certificate, 'utf8')
  // The server knows a version 2, which the database has forgotten.
  renameSync(`${site.paths.folder}/versions/1`, `${site.paths.folder}/versions/2`)
  rmSync(`${site.paths.folder}/live`)
  symlinkSync('versions/2', `${site.paths.folder}/live`)
  const { certificate } = await site.addVersion()
  fleet.nginx.setFault('reload-fails', true)
  try {
    expect(await faultOf(site.deploy({ patienceMs: 300 }))).toMatch(
      /Reloading NGINX failed.* It was taken back/,
    )
  } finally {
    fleet.nginx.setFault('reload-fails', false)
  }
  expect(readFileSync(site.paths.certificate, 'utf8')).toBe(before)
  expect(await fleet.nginx.served(name)).toBe(old)
  await site.deploy()
  expect(readFileSync(site.paths.certificate, 'utf8')).toBe(certificate)
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2 })
})

test('what fails for an operation whose place was taken is not the failure of the one that took it', async () => {
  const site = await fleet.startSite('taken.example.test')
  await site.addVersion(issue(['other.example.test']))
  const operationId = randomUUID()
  await agent.deps.prisma.deployment.update({ where: { id: site.id }, data: { operationId } })
  expect(await faultOf(site.deploy())).toMatch(/is not valid for/)
  expect(await site.row()).toMatchObject({ state: 'pending', lastError: null, liveVersion: 1 })
  expect(await faultOf(site.deploy({ operationId }))).toMatch(/is not valid for/)
  expect(await site.row()).toMatchObject({ state: 'failed', lastError: { code: 'step_failed' } })
})

test('a certificate for other names is not deployed', async () => {
  const site = await fleet.startSite('name.example.test')
  await site.addVersion(issue(['other.example.test']))
  expect(await faultOf(site.deploy())).toMatch(/is not valid for name\.example\.test/)
})

test('a configuration that somebody broke is found before anything is touched', async () => {
  const site = await fleet.startSite('broken.example.test')
  const old = await fleet.nginx.served('broken.example.test')
  await site.addVersion()
  fleet.nginx.breakConfig()
  try {
    expect(await faultOf(site.deploy())).toMatch(
      /^target_refused: Testing .* NGINX refuses its configuration as it is .*broken\.conf.* was not touched\.$/,
    )
    expect(readlinkSync(`${site.paths.folder}/live`)).toBe('versions/1')
  } finally {
    fleet.nginx.repairConfig()
  }
  expect(await fleet.nginx.served('broken.example.test')).toBe(old)
  await site.deploy()
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2 })
})

test.each([
  ['reload-fails', /Reloading NGINX failed: NGINX could not be reloaded: .*invalid PID number/],
  [
    'reload-ignored',
    /Looking from outside .* failed: The virtual host .* is served with another certificate/,
  ],
] as const)('%s: the old version is served all the while, and in its place again', async (fault, said) => {
  const name = `${fault}.example.test`
  const site = await fleet.startSite(name)
  const old = await fleet.nginx.served(name)
  const stop = watchServed(fleet.nginx, name)
  await site.addVersion()
  fleet.nginx.setFault(fault, true)
  let text: string
  try {
    text = await faultOf(site.deploy({ patienceMs: 300 }))
  } finally {
    fleet.nginx.setFault(fault, false)
  }
  expect(text).toMatch(said)
  expect(readlinkSync(`${site.paths.folder}/live`)).toBe('versions/1')
  expect(await site.row()).toMatchObject({ state: 'failed', liveVersion: 1 })
  expect(await stop()).toEqual({ failures: 0, serials: [old] })
  expect(await toldOf(site.id)).toEqual([`deployment_rolled_back:${site.id}:failed:2`])
  await site.deploy()
  expect(await site.row()).toMatchObject({ state: 'live', liveVersion: 2, lastError: null })
  expect(await toldOf(site.id)).toEqual([])
})
