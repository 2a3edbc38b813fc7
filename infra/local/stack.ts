import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { migrate, setRolePasswords } from '@opsconductor/database'
import { applyStaticRoutes } from './apply-kong.ts'
import { type Keys, loadKeys } from './keys.ts'
import { cacheDirectory, type Layout, root } from './layout.ts'
import { assertPortsFree } from './ports.ts'
import { type StartedPart, startPostgres } from './postgres.ts'
import { claimHome, endOrphans, forgetProcess, recordProcess, releaseHome } from './process-record.ts'
import {
  type Backing,
  demoStatusChild,
  gatewayChild,
  serviceChildren,
  serviceSpecs,
  serviceUrls,
} from './services.ts'
import { StackFault } from './stack-fault.ts'
import { type ChildSpec, lastLines, type Supervised, supervise } from './supervise.ts'
import { startTemporal } from './temporal.ts'
import { findTemporalCli } from './temporal-cli.ts'

export interface Stack {
  layout: Layout
  keys: Keys
  backing: Backing
  children: Supervised[]
  /** Process ids by part, PostgreSQL and Temporal included where we started them. */
  pids(): Record<string, number>
}

type Say = (part: string, line: string) => void

/**
 * Starts every part of the platform on this machine; resolves when each says it is ready. `onStoppable` is told at
 * once how to stop what was started so far.
 */
export async function startStack(
  layout: Layout,
  environment: NodeJS.ProcessEnv,
  say: Say,
  onStoppable: (stop: () => Promise<void>) => void,
): Promise<Stack> {
  claimHome(layout.run)
  const owned: StartedPart[] = []
  const children: Supervised[] = []
  const stop = async () => {
    await Promise.all(children.map((child) => child.stop()))
    for (const part of owned.reverse()) {
      await part.stop()
      forgetProcess(layout.run, part.name)
    }
    releaseHome(layout.run)
  }
  onStoppable(stop)
  const orphans = await endOrphans(layout.run)
  if (orphans.length > 0) say('stack', `ended what an earlier start left running: ${orphans.join(', ')}`)
  const keys = loadKeys(layout.keys)
  await assertPortsFree(portsToTake(layout, environment))
  const start = (spec: ChildSpec) => {
    const child = supervise(spec, supervisorOptions(layout, spec.name, say))
    children.push(child)
    return child
  }
  const onSpawn = (part: StartedPart) => {
    recordProcess(layout.run, part.name, part.pid)
    owned.push(part)
  }
  const backing = await startBacking({ layout, environment, keys, say, onSpawn, start })
  for (const spec of [...serviceChildren(layout, keys, backing), demoStatusChild(layout, keys)]) start(spec)
  await Promise.all([
    applyStaticRoutes({ adminUrl: backing.kongAdminUrl, urls: serviceUrls(layout) }).then((count) =>
      say('gateway', `${count} static routes`),
    ),
    ...serviceSpecs.map(({ name, internalPort }) =>
      readyService(name, layout.ports[internalPort], layout, say),
    ),
  ])
  const pids = () =>
    Object.fromEntries([
      ...owned.map(({ name, pid }) => [name, pid] as const),
      ...children.flatMap((child) =>
        child.pid() === undefined ? [] : [[child.name, child.pid() as number] as const],
      ),
    ])
  return { layout, keys, backing, children, pids }
}

function portsToTake({ ports }: Layout, environment: NodeJS.ProcessEnv): Partial<Layout['ports']> {
  const { postgres, temporal, temporalUi, gateway, gatewayTls, kongAdmin, ...rest } = ports
  return {
    ...rest,
    ...(environment.DATABASE_URL === undefined ? { postgres } : {}),
    ...(environment.TEMPORAL_ADDRESS === undefined ? { temporal, temporalUi } : {}),
    ...(environment.KONG_ADMIN_URL === undefined ? { gateway, gatewayTls, kongAdmin } : {}),
  }
}

function supervisorOptions(layout: Layout, name: string, say: Say) {
  return {
    cwd: root,
    logFile: join(layout.logs, `${name}.log`),
    runDirectory: layout.run,
    onDeath(dead: string, how: string, lines: string[], restartInMs: number) {
      say(dead, `ended (${how}); starting it again in ${restartInMs} ms. Its last lines:`)
      for (const line of lines) say(dead, `  ${line}`)
    },
  }
}

interface BackingContext {
  layout: Layout
  environment: NodeJS.ProcessEnv
  keys: Keys
  say: Say
  onSpawn(part: StartedPart): void
  start(spec: ChildSpec): Supervised
}

/** PostgreSQL, Temporal and the gateway: ours, or the ones the environment names. */
async function startBacking(context: BackingContext): Promise<Backing> {
  const [databaseUrl, temporalAddress, kong] = await Promise.all([
    provideDatabase(context),
    provideTemporal(context),
    provideGateway(context),
  ])
  return { databaseUrl, temporalAddress, ...kong }
}

async function provideDatabase({ layout, environment, keys, say, onSpawn }: BackingContext): Promise<string> {
  const since = performance.now()
  let url = environment.DATABASE_URL
  if (url === undefined) {
    const postgres = await startPostgres({
      dataDirectory: layout.postgresData,
      logFile: join(layout.logs, 'postgres.log'),
      port: layout.ports.postgres,
      password: keys.postgresPassword,
      onSpawn,
    })
    url = postgres.url
    say('postgres', `ready on 127.0.0.1:${layout.ports.postgres} ${took(since)}`)
  }
  const applied = await migrate(url)
  await setRolePasswords(url, keys.rolePassword)
  say('postgres', applied.length === 0 ? 'schema is up to date' : `applied ${applied.length} migrations`)
  return url
}

async function provideTemporal({ layout, environment, say, onSpawn }: BackingContext): Promise<string> {
  if (environment.TEMPORAL_ADDRESS !== undefined) return environment.TEMPORAL_ADDRESS
  const cli = findTemporalCli(environment, cacheDirectory(environment), (line) => say('temporal', line))
  const since = performance.now()
  const temporal = await startTemporal({
    cli,
    databaseFile: join(layout.temporalData, 'temporal.db'),
    logFile: join(layout.logs, 'temporal.log'),
    port: layout.ports.temporal,
    uiPort: layout.ports.temporalUi,
    onSpawn,
  })
  say('temporal', `ready on ${temporal.address} ${took(since)}`)
  return temporal.address
}

async function provideGateway({
  layout,
  environment,
  say,
  start,
}: BackingContext): Promise<Pick<Backing, 'kongAdminUrl' | 'kongProxyUrl'>> {
  const { KONG_ADMIN_URL: adminUrl, KONG_PROXY_URL: proxyUrl } = environment
  if (adminUrl !== undefined) {
    if (proxyUrl === undefined) throw new StackFault('KONG_ADMIN_URL is set: set KONG_PROXY_URL too')
    return { kongAdminUrl: adminUrl, kongProxyUrl: proxyUrl }
  }
  const since = performance.now()
  start(gatewayChild(layout))
  const kongAdminUrl = `http://127.0.0.1:${layout.ports.kongAdmin}`
  await untilOk('gateway', `${kongAdminUrl}/status`, layout)
  say('gateway', `ready on 127.0.0.1:${layout.ports.gateway} and ${layout.ports.gatewayTls} ${took(since)}`)
  return { kongAdminUrl, kongProxyUrl: `http://127.0.0.1:${layout.ports.gateway}` }
}

async function readyService(name: string, internalPort: number, layout: Layout, say: Say): Promise<void> {
  const since = performance.now()
  await untilOk(name, `http://127.0.0.1:${internalPort}/readyz`, layout)
  say(name, `ready ${took(since)}`)
}

const took = (since: number) => `(${((performance.now() - since) / 1000).toFixed(1)} s)`
const readyWithinMs = 90_000

/** Waits until the URL answers 200. */
async function untilOk(name: string, url: string, layout: Layout): Promise<void> {
  for (const until = Date.now() + readyWithinMs; ; await delay(30)) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.status === 200) return
    if (Date.now() > until) {
      const lines = lastLines(join(layout.logs, `${name}.log`)).join('\n  ')
      throw new StackFault(
        `${name} did not become ready within ${readyWithinMs / 1000} s; its last lines:\n  ${lines}`,
      )
    }
  }
}
