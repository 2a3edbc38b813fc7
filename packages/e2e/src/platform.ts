import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** `.opsconductor/stack.json`, as far as the tests read it. */
export interface StackFile {
  gateway_url: string
  kong_admin_url: string
  database_url: string
  temporal: { address: string }
  services: Record<string, { public_url: string; internal_url: string }>
  internal_key: string
  admin: { email: string; password: string }
  demo: {
    project_id: string
    api_key: string
    public_url: string
    method: string
    body: { service: string }
    curl: string
  }
}

export interface Start {
  process: ChildProcess
  /** Everything printed so far. */
  output(): string
  /** Resolves with the exit code. */
  ended: Promise<number | null>
}

export interface Platform {
  home: string
  stack: StackFile
  start: Start
  /** The pid of a part, as the supervisor recorded it. */
  pidOf(part: string): number
  stop(): Promise<void>
}

/** A home for a stack of its own; the port offset keeps stacks of several test files apart. */
export function createHome(): string {
  const home = mkdtempSync('/tmp/opsconductor-e2e-')
  chmodSync(home, 0o711)
  return home
}

/** Runs what `npm start` runs after its setup. */
export function runStart(
  home: string,
  portOffset: number,
  arguments_: string[] = [],
  environment: Record<string, string> = {},
): Start {
  const child = spawn(process.execPath, ['infra/local/start.ts', ...arguments_], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      XDG_CACHE_HOME: process.env.XDG_CACHE_HOME,
      OPSCONDUCTOR_HOME: home,
      OPSCONDUCTOR_PORT_OFFSET: String(portOffset),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data
    })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { process: child, output: () => output, ended }
}

const readyWithinMs = 120_000

/** Starts a whole platform and waits until its demo call has been answered. */
export async function startPlatform(
  portOffset: number,
  options: { home?: string; environment?: Record<string, string> } = {},
): Promise<Platform> {
  const home = options.home ?? createHome()
  const start = runStart(home, portOffset, [], options.environment)
  await waitFor('the stack to be ready', readyWithinMs, async () => {
    if (start.process.exitCode !== null) throw new Error(`npm start ended:\n${start.output()}`)
    return existsSync(join(home, 'stack.json')) && start.output().includes('runs until Ctrl-C')
  }).catch((error: Error) => {
    start.process.kill('SIGTERM')
    throw new Error(`${error.message}; it printed:\n${start.output()}`)
  })
  return {
    home,
    stack: JSON.parse(readFileSync(join(home, 'stack.json'), 'utf8')) as StackFile,
    start,
    pidOf: (part) =>
      (JSON.parse(readFileSync(join(home, 'run', `${part}.json`), 'utf8')) as { pid: number }).pid,
    async stop() {
      start.process.kill('SIGTERM')
      await start.ended
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Asks until the answer is true; fails after the time with what was waited for. */
export async function waitFor(what: string, withinMs: number, isSo: () => Promise<boolean>): Promise<void> {
  for (const until = Date.now() + withinMs; !(await isSo()); await delay(50))
    if (Date.now() > until) throw new Error(`waited ${withinMs / 1000} s in vain for ${what}`)
}
