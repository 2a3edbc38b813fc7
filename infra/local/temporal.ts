import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { StartedPart } from './postgres.ts'
import { endProcess } from './process-record.ts'
import { StackFault } from './stack-fault.ts'

export interface Temporal extends StartedPart {
  address: string
}

/**
 * By default the server polls each queue at most 20 times a second, so every hop waits for a 50 ms tick; these take
 * the tick away (measured in infra/bench).
 */
const tuning = [
  'history.transferProcessorMaxPollRPS=5000',
  'history.timerProcessorMaxPollRPS=5000',
  'history.visibilityProcessorMaxPollRPS=5000',
  'history.outboundProcessorMaxPollRPS=5000',
  'history.timerProcessorMaxTimeShift="5ms"',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
]

export interface TemporalOptions {
  cli: string
  /** SQLite file that keeps histories over restarts. */
  databaseFile: string
  logFile: string
  port: number
  /** 0 for no page. */
  uiPort: number
  /** Told at once, so that a stop in the middle of the start finds the process. */
  onSpawn?: (part: StartedPart) => void
}

/** Starts a Temporal server (development build, one process) and resolves when it accepts connections. */
export async function startTemporal(options: TemporalOptions): Promise<Temporal> {
  const log = openSync(options.logFile, 'a', 0o600)
  const arguments_ = [
    'server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port), '--db-filename', options.databaseFile,
    '--log-level', 'warn', '--namespace', 'opsconductor-system',
    '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=normal',
    ...(options.uiPort === 0 ? ['--headless'] : ['--ui-ip', '127.0.0.1', '--ui-port', String(options.uiPort)]),
    ...tuning.flatMap((value) => ['--dynamic-config-value', value]),
  ] // biome-ignore format: one option a line would be forty lines
  const child = spawn(options.cli, arguments_, { stdio: ['ignore', log, log], detached: true })
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const pid = child.pid ?? 0
  const part = { name: 'temporal' as const, pid, stop: () => endProcess(pid, 'SIGTERM', 10_000) }
  if (pid !== 0) options.onSpawn?.(part)
  for (const until = Date.now() + 30_000; !(await accepts(options.port)); await delay(20)) {
    if (failure === undefined && child.exitCode === null && Date.now() < until) continue
    const lastLine = failure?.message ?? readFileSync(options.logFile, 'utf8').trim().split('\n').at(-1)
    throw new StackFault(`Temporal did not start: ${lastLine} (${options.logFile})`)
  }
  return { ...part, address: `127.0.0.1:${options.port}` }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
