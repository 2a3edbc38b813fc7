import { chmodSync, mkdirSync, statfsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StackFault } from './stack-fault.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export const basePorts = {
  gateway: 8000,
  gatewayTls: 8443,
  kongAdmin: 8001,
  apiKeyInternal: 3001,
  interfaceRegistryInternal: 3002,
  secretsBrokerInternal: 3003,
  executorInternal: 3004,
  certAgentInternal: 3005,
  consoleInternal: 3006,
  console: 3010,
  apiKeyPublic: 3011,
  interfaceRegistryPublic: 3012,
  secretsBrokerPublic: 3013,
  executorPublic: 3014,
  certAgentPublic: 3015,
  demoStatus: 3020,
  postgres: 5433,
  temporal: 7233,
  temporalUi: 8233,
}

export type PortName = keyof typeof basePorts
export type Ports = Record<PortName, number>

/** Where one stack keeps its things, and the ports it listens on (all on loopback). */
export interface Layout {
  home: string
  keys: string
  logs: string
  run: string
  postgresData: string
  temporalData: string
  gatewayData: string
  compileCache: string
  stackFile: string
  ports: Ports
}

const bytesNeeded = 500_000_000

/** Reads OPSCONDUCTOR_HOME and OPSCONDUCTOR_PORT_OFFSET, and makes the directories. */
export function createLayout(environment: NodeJS.ProcessEnv): Layout {
  const offset = Number(environment.OPSCONDUCTOR_PORT_OFFSET ?? 0)
  if (!Number.isInteger(offset) || offset < 0 || offset > 50_000)
    throw new StackFault('OPSCONDUCTOR_PORT_OFFSET must be a whole number from 0 to 50000')
  const home = resolve(root, environment.OPSCONDUCTOR_HOME ?? '.opsconductor')
  const layout: Layout = {
    home,
    keys: join(home, 'keys'),
    logs: join(home, 'logs'),
    run: join(home, 'run'),
    postgresData: join(home, 'postgres'),
    temporalData: join(home, 'temporal'),
    gatewayData: join(home, 'gateway'),
    compileCache: join(home, 'compile-cache'),
    stackFile: join(home, 'stack.json'),
    ports: Object.fromEntries(
      Object.entries(basePorts).map(([name, port]) => [name, port + offset]),
    ) as Ports,
  }
  mkdirSync(home, { recursive: true })
  // 0711: PostgreSQL's own user must be able to walk through to its data, and see nothing else.
  chmodSync(home, 0o711)
  for (const directory of [
    layout.keys,
    layout.logs,
    layout.run,
    layout.temporalData,
    layout.gatewayData,
    layout.compileCache,
  ]) {
    mkdirSync(directory, { recursive: true })
    chmodSync(directory, 0o700)
  }
  const disk = statfsSync(home)
  if (disk.bavail * disk.bsize < bytesNeeded)
    throw new StackFault(`the disk that holds ${home} is full: ${bytesNeeded / 1e6} MB must be free`)
  return layout
}

/** Shared by every checkout of this user: what is large and fetched once. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  const directory = join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'opsconductor')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return directory
}
