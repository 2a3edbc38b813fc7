import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { endProcess, forgetProcess, recordProcess } from './process-record.ts'

export interface ChildSpec {
  name: string
  /** Arguments of node: the file to run and its own. */
  arguments: string[]
  environment: Record<string, string>
}

export interface Supervised {
  name: string
  pid(): number | undefined
  restart(): void
  stop(): Promise<void>
}

export interface SupervisorOptions {
  logFile: string
  runDirectory: string
  cwd: string
  /** Told of every unexpected end, with the last lines it logged and when it is started again. */
  onDeath(name: string, how: string, lastLines: string[], restartInMs: number): void
}

const backOffMs = { first: 250, most: 30_000 }
/** A process that lived this long starts with the shortest back-off again. */
const steadyAfterMs = 60_000
const graceMs = 13_000

/** Keeps one node process running: started again with back-off when it dies, until it is stopped. */
export function supervise(spec: ChildSpec, options: SupervisorOptions): Supervised {
  if (existsSync(options.logFile)) renameSync(options.logFile, `${options.logFile}.1`)
  let child: ChildProcess | undefined
  let stopping = false
  let delayMs = backOffMs.first
  const abort = new AbortController()

  function start(): void {
    const log = openSync(options.logFile, 'a', 0o600)
    const startedAt = Date.now()
    // Its own process group: Ctrl-C in the terminal reaches the supervisor only, which stops everything in order.
    const started = spawn(process.execPath, spec.arguments, {
      cwd: options.cwd,
      env: spec.environment,
      stdio: ['ignore', log, log],
      detached: true,
    })
    closeSync(log)
    child = started
    if (started.pid !== undefined) recordProcess(options.runDirectory, spec.name, started.pid)
    started.once('exit', (code, signal) => {
      forgetProcess(options.runDirectory, spec.name)
      if (stopping || child !== started) return
      if (Date.now() - startedAt > steadyAfterMs) delayMs = backOffMs.first
      options.onDeath(
        spec.name,
        signal === null ? `code ${code}` : signal,
        lastLines(options.logFile),
        delayMs,
      )
      delay(delayMs, undefined, { signal: abort.signal }).then(start, () => {})
      delayMs = Math.min(delayMs * 2, backOffMs.most)
    })
  }

  start()
  return {
    name: spec.name,
    pid: () => (child?.exitCode === null && child.signalCode === null ? child.pid : undefined),
    restart() {
      const old = child
      child = undefined
      const pid = old?.pid
      if (pid === undefined || stopping) return
      void endProcess(pid, 'SIGTERM', graceMs).then(() => {
        if (!stopping) start()
      })
    },
    async stop() {
      stopping = true
      abort.abort()
      const pid = child?.pid
      if (pid !== undefined && child?.exitCode === null && child.signalCode === null)
        await endProcess(pid, 'SIGTERM', graceMs)
    },
  }
}

export function lastLines(file: string, count = 5): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-count)
  } catch {
    return []
  }
}
