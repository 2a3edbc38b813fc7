import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { root } from './layout.ts'
import { endProcess, forgetProcess, recordProcess } from './process-record.ts'
import { StackFault } from './stack-fault.ts'

export interface ChildSpec {
  name: string
  command: string
  arguments: string[]
  environment: NodeJS.ProcessEnv
  /** By default the checkout. */
  cwd?: string
  uid?: number | undefined
  gid?: number | undefined
  /** How it is asked to end; SIGTERM by default. */
  stopSignal?: NodeJS.Signals
  /** Others need it while they stop, so it ends after them. */
  isBacking?: boolean
}

export interface Child {
  name: string
  pid(): number | undefined
  /** How often it ended without being asked to. */
  deaths(): number
  lastLines(): string[]
  restart(): void
  stop(): Promise<void>
}

export interface Supervisor {
  /** Keeps the process running: started again with back-off when it dies, until it is stopped. */
  start(spec: ChildSpec): Child
  children(): readonly Child[]
  stop(): Promise<void>
}

export interface SupervisorOptions {
  logDirectory: string
  runDirectory: string
  /** Told of every unexpected end, with the last lines it logged and when it is started again. */
  onDeath(name: string, how: string, lastLines: string[], restartInMs: number): void
}

const backOffMs = { first: 250, most: 30_000 }
/** A process that lived this long starts with the shortest back-off again. */
const steadyAfterMs = 60_000
const graceMs = 15_000

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const started: { spec: ChildSpec; child: Child }[] = []
  const stopAll = (backing: boolean) =>
    Promise.all(
      started.filter(({ spec }) => (spec.isBacking ?? false) === backing).map(({ child }) => child.stop()),
    )
  return {
    start(spec) {
      const child = supervise(spec, options)
      started.push({ spec, child })
      return child
    },
    children: () => started.map(({ child }) => child),
    async stop() {
      await stopAll(false)
      await stopAll(true)
    },
  }
}

function supervise(spec: ChildSpec, options: SupervisorOptions): Child {
  const logFile = join(options.logDirectory, `${spec.name}.log`)
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`)
  let child: ChildProcess | undefined
  let stopping = false
  let deaths = 0
  let delayMs = backOffMs.first
  const abort = new AbortController()

  function start(): void {
    const startedAt = Date.now()
    const next = spawnChild(spec, logFile)
    child = next
    if (next.pid !== undefined) recordProcess(options.runDirectory, spec.name, next.pid)
    const onEnd = (how: string) => {
      if (stopping || child !== next) return
      child = undefined
      deaths++
      forgetProcess(options.runDirectory, spec.name)
      if (Date.now() - startedAt > steadyAfterMs) delayMs = backOffMs.first
      options.onDeath(spec.name, how, tail(logFile), delayMs)
      delay(delayMs, undefined, { signal: abort.signal }).then(start, () => {})
      delayMs = Math.min(delayMs * 2, backOffMs.most)
    }
    next.once('error', (error) => onEnd(error.message))
    next.once('exit', (code, signal) => onEnd(signal ?? `code ${code}`))
  }

  const pid = () => (child?.exitCode === null && child.signalCode === null ? child.pid : undefined)
  const end = async () => {
    const running = pid()
    child = undefined
    if (running !== undefined) await endProcess(running, spec.stopSignal ?? 'SIGTERM', graceMs)
    forgetProcess(options.runDirectory, spec.name)
  }
  start()
  return {
    name: spec.name,
    pid,
    deaths: () => deaths,
    lastLines: () => tail(logFile),
    restart() {
      if (pid() !== undefined && !stopping) void end().then(() => stopping || start())
    },
    stop() {
      stopping = true
      abort.abort()
      return end()
    },
  }
}

/** In its own process group: Ctrl-C in the terminal reaches the supervisor only, which stops everything in order. */
function spawnChild(spec: ChildSpec, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a', 0o600)
  try {
    return spawn(spec.command, spec.arguments, {
      cwd: spec.cwd ?? root,
      env: spec.environment,
      stdio: ['ignore', log, log],
      detached: true,
      ...(spec.uid === undefined ? {} : { uid: spec.uid, gid: spec.gid }),
    })
  } finally {
    closeSync(log)
  }
}

function tail(file: string, count = 5): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-count)
  } catch {
    return []
  }
}

/** Often enough to lose little time, seldom enough to leave the processor to those who start. */
const pollEveryMs = 60

/** Waits until `isReady`; a fault, with the child's last lines, where it dies first or takes too long. */
export async function untilReady(
  child: Child,
  isReady: () => Promise<boolean>,
  withinMs: number,
  deathsMax = 0,
): Promise<void> {
  for (const until = Date.now() + withinMs; !(await isReady()); await delay(pollEveryMs)) {
    if (child.deaths() <= deathsMax && Date.now() < until) continue
    const how = child.deaths() > deathsMax ? 'did not start' : `was not ready within ${withinMs / 1000} s`
    throw new StackFault(`${child.name} ${how}; its last lines:\n  ${child.lastLines().join('\n  ')}`)
  }
}
