import { join } from 'node:path'
import { migrate, setRolePasswords } from '@opsconductor/database'
import { applyStaticRoutes } from './apply-kong.ts'
import { type Keys, loadKeys } from './keys.ts'
import { cacheDirectory, type Layout } from './layout.ts'
import { assertPortsFree } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { claimHome, endOrphans, releaseHome } from './process-record.ts'
import {
  type Backing,
  demoStatusChild,
  gatewayChild,
  serviceChildren,
  serviceSpecs,
  serviceUrls,
} from './services.ts'
import { StackFault } from './stack-fault.ts'
import { type Child, createSupervisor, type Supervisor, untilReady } from './supervisor.ts'
import { startTemporal } from './temporal.ts'
import { findTemporalCli } from './temporal-cli.ts'

export interface Stack {
  layout: Layout
  keys: Keys
  backing: Backing
  /** Every process of the stack that we started, PostgreSQL and Temporal included. */
  children: readonly Child[]
}

type Say = (part: string, line: string) => void

interface StartContext {
  layout: Layout
  environment: NodeJS.ProcessEnv
  say: Say
  supervisor: Supervisor
}

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
  const supervisor = createSupervisor({
    logDirectory: layout.logs,
    runDirectory: layout.run,
    onDeath(name, how, lines, restartInMs) {
      say(name, `ended (${how}); starting it again in ${restartInMs} ms. Its last lines:`)
      for (const line of lines) say(name, `  ${line}`)
    },
  })
  onStoppable(async () => {
    await supervisor.stop()
    releaseHome(layout.run)
  })
  const orphans = await endOrphans(layout.run)
  if (orphans.length > 0) say('stack', `ended what an earlier start left running: ${orphans.join(', ')}`)
  await assertPortsFree(portsToTake(layout, environment))
  const keys = loadKeys(layout.keys)
  const context = { layout, environment, say, supervisor }
  const backing = await startBacking(context, keys)
  const services = serviceChildren(layout, keys, backing).map((spec) => supervisor.start(spec))
  supervisor.start(demoStatusChild(layout, keys))
  await Promise.all([
    applyStaticRoutes({ adminUrl: backing.kongAdminUrl, urls: serviceUrls(layout) }).then((count) =>
      say('gateway', `${count} static routes`),
    ),
    ...services.map((child) => readyService(child, context)),
  ])
  return { layout, keys, backing, children: supervisor.children() }
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

/** PostgreSQL, Temporal and the gateway: ours, or the ones the environment names. */
async function startBacking(context: StartContext, keys: Keys): Promise<Backing> {
  const [databaseUrl, temporalAddress, kong] = await Promise.all([
    provideDatabase(context, keys),
    provideTemporal(context),
    provideGateway(context),
  ])
  return { databaseUrl, temporalAddress, ...kong }
}

async function provideDatabase(
  { layout, environment, say, supervisor }: StartContext,
  keys: Keys,
): Promise<string> {
  const since = performance.now()
  const { postgres: port } = layout.ports
  const own = { dataDirectory: layout.postgresData, port, password: keys.postgresPassword }
  const url = environment.DATABASE_URL ?? (await startPostgres(supervisor, own))
  if (environment.DATABASE_URL === undefined) say('postgres', `ready on 127.0.0.1:${port} ${took(since)}`)
  const applied = await migrate(url)
  await setRolePasswords(url, keys.rolePassword)
  say('postgres', applied.length === 0 ? 'schema is up to date' : `applied ${applied.length} migrations`)
  return url
}

async function provideTemporal({ layout, environment, say, supervisor }: StartContext): Promise<string> {
  if (environment.TEMPORAL_ADDRESS !== undefined) return environment.TEMPORAL_ADDRESS
  const cli = findTemporalCli(environment, cacheDirectory(environment), (line) => say('temporal', line))
  const since = performance.now()
  const { temporal: port, temporalUi: uiPort } = layout.ports
  const databaseFile = join(layout.temporalData, 'temporal.db')
  const address = await startTemporal(supervisor, { cli, databaseFile, port, uiPort })
  say('temporal', `ready on ${address} ${took(since)}`)
  return address
}

type Kong = Pick<Backing, 'kongAdminUrl' | 'kongProxyUrl'>

async function provideGateway({ layout, environment, say, supervisor }: StartContext): Promise<Kong> {
  const { KONG_ADMIN_URL: adminUrl, KONG_PROXY_URL: proxyUrl } = environment
  if (adminUrl !== undefined) {
    if (proxyUrl === undefined) throw new StackFault('KONG_ADMIN_URL is set: set KONG_PROXY_URL too')
    return { kongAdminUrl: adminUrl, kongProxyUrl: proxyUrl }
  }
  const since = performance.now()
  const { gateway, gatewayTls, kongAdmin } = layout.ports
  const kongAdminUrl = `http://127.0.0.1:${kongAdmin}`
  await untilReady(
    supervisor.start(gatewayChild(layout)),
    () => answersOk(`${kongAdminUrl}/status`),
    readyWithinMs,
  )
  say('gateway', `ready on 127.0.0.1:${gateway} and ${gatewayTls} ${took(since)}`)
  return { kongAdminUrl, kongProxyUrl: `http://127.0.0.1:${gateway}` }
}

const readyWithinMs = 90_000
/** A service may lose a race at start and be started again; one that keeps dying is a fault. */
const deathsMax = 2

async function readyService(child: Child, { layout, say }: StartContext): Promise<void> {
  const since = performance.now()
  const { internalPort } = serviceSpecs.find(
    ({ name }) => name === child.name,
  ) as (typeof serviceSpecs)[number]
  const url = `http://127.0.0.1:${layout.ports[internalPort]}/readyz`
  await untilReady(child, () => answersOk(url), readyWithinMs, deathsMax)
  say(child.name, `ready ${took(since)}`)
}

const took = (since: number) => `(${((performance.now() - since) / 1000).toFixed(1)} s)`

async function answersOk(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.status === 200
}
