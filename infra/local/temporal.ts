import { connect } from 'node:net'
import { type Supervisor, untilReady } from './supervisor.ts'

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
  port: number
  /** 0 for no page. */
  uiPort: number
}

const readyWithinMs = 30_000

/** Starts a Temporal server (development build, one process); answers its host:port when it accepts connections. */
export async function startTemporal(supervisor: Supervisor, options: TemporalOptions): Promise<string> {
  const arguments_ = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(options.port),
    '--db-filename',
    options.databaseFile,
    '--log-level',
    'warn',
    '--namespace',
    'opsconductor-system',
    '--sqlite-pragma',
    'journal_mode=WAL',
    '--sqlite-pragma',
    'synchronous=normal',
    ...(options.uiPort === 0
      ? ['--headless']
      : ['--ui-ip', '127.0.0.1', '--ui-port', String(options.uiPort)]),
    ...tuning.flatMap((value) => ['--dynamic-config-value', value]),
  ]
  const child = supervisor.start({
    name: 'temporal',
    command: options.cli,
    arguments: arguments_,
    environment: process.env,
    isBacking: true,
  })
  await untilReady(child, () => accepts(options.port), readyWithinMs)
  return `127.0.0.1:${options.port}`
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
