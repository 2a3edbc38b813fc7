import { setImmediate as turnOfEvents } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { NginxPeer } from '@opsconductor/test-peers'
import { certificatesToPem, keyToPem } from '@opsconductor/x509'
import { makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import { reportDeployments } from '../../src/deployments/report-deployments.ts'
import { createDeadServer, until } from '../operations/support.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { type Fleet, faultOf, startFleet, watchServed } from './support.ts'

// Many certificates on many servers: what goes on side by side, what is shared, and what is not.

const serversCount = 5
const certificatesCount = 5
const concurrency = 3

const authority = makeCertificate('fleet CA', { ca: true })

let agent: AgentUnderTest
let fleets: Fleet[]
beforeAll(async () => {
  agent = await startAgent()
  fleets = await Promise.all(Array.from({ length: serversCount }, () => startFleet(agent)))
}, 60_000)
afterAll(async () => {
  await Promise.all((fleets ?? []).map((fleet) => fleet.close()))
  await agent?.stop()
})

const templateOf = ({ port }: NginxPeer, more = '') =>
  [
    'server {',
    `  listen 127.0.0.1:${port} ssl;${more}`,
    '  server_name {{ server_names }};',
    '  ssl_certificate {{ certificate_path }};',
    '  ssl_certificate_key {{ key_path }};',
    '}',
    '',
  ].join('\n')

async function bring(name: string, vhostIds: string[] = []): Promise<{ id: string; serial: string }> {
  const { key, certificate } = makeCertificate(name, { issuer: authority, dns: [name] })
  const pem = keyToPem(key) + certificatesToPem([certificate, authority.certificate])
  const { status, body } = await agent.call('POST', '/api/certificates/import', {
    ...{ name: name.replaceAll('.', '-'), pem, vhost_ids: vhostIds },
  })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return { id: body.id, serial: body.versions[0].serial }
}

/** A virtual host for each of the certificates. */
async function addVhosts({ nginx, addServer }: Fleet, certificates: Map<string, { id: string }>) {
  const { id: serverId } = await addServer({ config_directories: [nginx.sites] })
  const rows = [...certificates].map(([name, { id: certificateId }]) => ({
    ...{ projectId: agent.projectId, serverId, certificateId, names: [name], probePort: nginx.port },
    ...{ configFile: nginx.siteFile(name), template: templateOf(nginx) },
  }))
  await agent.deps.prisma.vhost.createMany({ data: rows })
}

/** The operation as it ended, by the stream of its events. */
async function ended(id: string) {
  const url = new URL(`/api/certificates/operations/${id}/events`, agent.publicUrl)
  const answer = await fetch(url, { headers: { authorization: `Bearer ${agent.token}` } })
  const data = [...(await answer.text()).matchAll(/^data: (.*)$/gm)].at(-1)?.[1]
  return JSON.parse(data ?? '{}')
}

/** How many went on at once, at the most. */
function mostAtOnce(operations: { started_at: string; finished_at: string | null }[]): number {
  const startedAt = operations.map((one) => one.started_at)
  return Math.max(
    ...startedAt.map(
      (at) =>
        operations.filter((one) => one.started_at <= at && (one.finished_at === null || one.finished_at > at))
          .length,
    ),
  )
}

test('004.15 a batch over a fleet goes live everywhere but where a server is dead, and says so of each item', async () => {
  const names = Array.from({ length: certificatesCount }, (_, i) => `site-${i}.example.test`)
  const certificates = new Map<string, { id: string; serial: string }>()
  for (const name of names) certificates.set(name, await bring(name))
  for (const fleet of fleets) await addVhosts(fleet, certificates)
  const dead = await createDeadServer(agent, 'dead', ['dead.example.test'])
  const lost = await bring('dead.example.test', dead.vhostIds)
  const watching = fleets.map(({ nginx }) => watchServed(nginx, 'other.example.test'))
  const ids = [...certificates.values(), lost].map(({ id }) => id)
  const { body: batch } = await agent.call('POST', '/api/certificates/batch', {
    ...{ action: 'deploy', certificate_ids: ids, concurrency },
  })
  const { result } = await ended(batch.id)
  const [lastItem, ...others] = result.items.toReversed()
  expect(others.map((item: { state: string; error?: unknown }) => item.error ?? item.state)).toEqual(
    others.map(() => 'succeeded'),
  )
  expect(lastItem).toMatchObject({ state: 'retrying', error: { code: 'target_unreachable' } })
  expect(result).toMatchObject({ total: ids.length, succeeded: certificatesCount, retrying: 1 })
  expect(result.items.map((item: { certificate_id: string }) => item.certificate_id)).toEqual(ids)
  for (const stop of watching) expect((await stop()).failures).toBe(0)
  for (const { nginx } of fleets)
    for (const [name, { serial }] of certificates) expect(await nginx.served(name)).toBe(serial)
  const { body: items } = await agent.call(
    'GET',
    `/api/certificates/operations?batch_id=${batch.id}&limit=200`,
  )
  expect(items.items).toHaveLength(certificatesCount + 1)
  expect(mostAtOnce(items.items)).toBe(concurrency)
  for (const { sshd } of fleets) expect(sshd.connections()).toBe(1)
}, 60_000)

const never = new AbortController().signal

/** Certificates of one server whose deployments begin together: each has been staged before any is put in place. */
async function startTogether(fleet: Fleet, names: readonly string[], templateFor: (name: string) => string) {
  const { id: serverId } = await fleet.addServer({ config_directories: [fleet.nginx.sites] })
  const sites = await Promise.all(
    names.map(async (name) => {
      const vhost = { configFile: fleet.nginx.siteFile(name), template: templateFor(name) }
      const site = await fleet.addDeployment(serverId, [name], vhost)
      return { ...site, name, issued: await site.addVersion() }
    }),
  )
  return {
    serverId,
    sites,
    async deployTogether(): Promise<boolean[]> {
      const free = Promise.withResolvers<void>()
      const holding = agent.deps.turns.take(`server:${serverId}`, never, () => free.promise)
      const staged = sites.map(() => Promise.withResolvers<void>())
      const deploying = sites.map((site, i) =>
        site.deploy({
          patienceMs: 300,
          onState: (state) => state === 'swapping' && staged[i]?.resolve(),
        }),
      )
      await Promise.all(staged.map(({ promise }) => promise))
      await turnOfEvents()
      free.resolve()
      const outcomes = await Promise.allSettled([...deploying, holding])
      return outcomes.slice(0, sites.length).map(({ status }) => status === 'fulfilled')
    },
  }
}

test('deployments that wait for one server share a reload, and each is proven by itself', async () => {
  const [fleet] = fleets as [Fleet]
  const names = ['shared-a.example.test', 'shared-b.example.test', 'shared-c.example.test']
  const { serverId, sites, deployTogether } = await startTogether(fleet, names, () => templateOf(fleet.nginx))
  const stop = watchServed(fleet.nginx, 'other.example.test')
  expect(await deployTogether()).toEqual([true, true, true])
  expect((await stop()).failures).toBe(0)
  for (const { name, issued, row } of sites) {
    expect(await fleet.nginx.served(name)).toBe(issued.serial)
    expect(await row()).toMatchObject({ state: 'live', liveVersion: 1 })
  }
  const commands = await agent.deps.prisma.auditRow.findMany({ where: { serverId, action: 'ssh.command' } })
  const reloads = commands.filter(({ detail }) => (detail as { argv: string[] }).argv.includes('reload'))
  expect(reloads).toHaveLength(1)
})

test('what NGINX cannot load fails its neighbours once at the most: who is tried again is tried alone', async () => {
  const [, fleet] = fleets as [Fleet, Fleet]
  const names = ['good-a.example.test', 'bad.example.test', 'good-b.example.test']
  // NGINX does not find out when it tests its configuration, but when it loads it.
  const taken = `\n  listen 127.0.0.1:${fleet.sshd.port} ssl;`
  const { serverId, sites, deployTogether } = await startTogether(fleet, names, (name) =>
    templateOf(fleet.nginx, name.startsWith('bad') ? taken : ''),
  )
  const stop = watchServed(fleet.nginx, 'other.example.test')
  expect((await deployTogether())[1]).toBe(false)
  await agent.deps.prisma.deployment.updateMany({ where: { serverId }, data: { attempts: 1 } })
  // Where an address is taken NGINX tries for two and a half seconds, and hears of nothing else.
  const patienceOf = (name: string) => (name.startsWith('bad') ? 300 : 8_000)
  const again = await Promise.all(
    sites.map((site) => faultOf(site.deploy({ patienceMs: patienceOf(site.name) }))),
  )
  expect(again).toEqual(['no fault', expect.stringContaining('Looking from outside'), 'no fault'])
  expect((await stop()).failures).toBe(0)
  for (const { name, issued } of sites)
    if (name.startsWith('good')) expect(await fleet.nginx.served(name)).toBe(issued.serial)
})

test('two operations that see to one deployment do not overlap: the second finds what the first has done', async () => {
  const [, , fleet] = fleets as [Fleet, Fleet, Fleet]
  const { sites } = await startTogether(fleet, ['twice.example.test'], () => templateOf(fleet.nginx))
  const states: string[][] = [[], []]
  await Promise.all(states.map((seen) => sites[0]?.deploy({ onState: (state) => void seen.push(state) })))
  expect(states).toEqual([
    ['staging', 'swapping', 'reloading', 'probing', 'live'],
    ['probing', 'live'],
  ])
})

test('however many deployments of an operation report at once, each is not announced by itself', async () => {
  const { deps, projectId } = agent
  const { id } = await deps.operations.insert({ projectId, kind: 'deploy', actor: 'test' }, 'running')
  let rings = 0
  deps.watchers.set(id, new Set([() => rings++]))
  await Promise.all(Array.from({ length: 20 }, () => reportDeployments(deps, id)))
  await reportDeployments(deps, id)
  // They are told of in their order; the first may be that there is one.
  await until(
    async () => rings,
    (count) => count >= 2,
    'announced',
  )
  expect(rings).toBeLessThanOrEqual(3)
  deps.watchers.delete(id)
})
