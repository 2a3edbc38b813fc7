import { setFlagsFromString } from 'node:v8'
import { IllegalStateError } from '@temporalio/common'
import { type Logger, type LogLevel, makeTelemetryFilterString, Runtime } from '@temporalio/worker'

/** A service's own log. */
type ServiceLog = Record<'trace' | 'debug' | 'warn' | 'error', (facts: object, message: string) => void>

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const

/** What the Temporal SDK says, in our log. Of its facts only those that cannot quote data. */
export function temporalLog(log: ServiceLog): Logger {
  const write = (level: LogLevel, message: string, meta?: Record<string, unknown>) =>
    log[levels[level]](
      {
        sdk: meta?.sdkComponent,
        namespace: meta?.namespace,
        workflow_id: meta?.workflowId,
        activity: meta?.activityType,
        error: meta?.error instanceof Error ? meta.error.name : undefined,
      },
      `temporal: ${message.slice(0, 500)}`,
    )
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  }
}

/**
 * Each project's workflows have a V8 heap of their own, in a thread that begins after this; as large as V8 likes them, the
 * spaces for what is new would keep some 20 MB more for each project (`npm run bench`).
 */
const semiSpaceMegabytes = 2

/** Once per process and before any worker. Signals stay ours: workers are stopped with the rest of the service. */
export function installRuntime(logger: Logger): void {
  setFlagsFromString(`--max-semi-space-size=${semiSpaceMegabytes}`)
  try {
    Runtime.install({
      logger,
      shutdownSignals: [],
      telemetryOptions: {
        logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      },
    })
  } catch (error) {
    // A second service in this process shares what the first one installed.
    if (!(error instanceof IllegalStateError)) throw error
  }
}
