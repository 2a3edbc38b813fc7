import { trace } from '@opentelemetry/api'
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino'

export type { Logger }

/**
 * Lines go out together, at the latest after a tenth of a second, since writing each by itself costs a busy service more
 * than making it. All are out when the process ends by itself; only one that is killed loses its last tenth.
 */
const stdoutTogether = () => pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 100 })

/**
 * JSON lines on stdout. Bodies, headers and query strings are never logged; the redaction is the second wall, for
 * objects that somebody logs whole.
 */
export function createLog(
  service: string,
  level: string,
  destination: DestinationStream = stdoutTogether(),
): Logger {
  const options: LoggerOptions = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin() {
      const span = trace.getActiveSpan()?.spanContext()
      return span === undefined ? {} : { trace_id: span.traceId }
    },
    serializers: { err: describeError },
    redact: {
      paths: [
        'password',
        'secret',
        'key',
        'authorization',
        '*.password',
        '*.secret',
        '*.key',
        '*.authorization',
        'headers',
        '*.headers',
      ],
      censor: '[redacted]',
    },
  }
  return pino(options, destination)
}

/** What of an error is logged: type, text and stack, with its causes; not its other properties, which may quote data. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code, internal } = error as { code?: unknown; internal?: unknown }
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(internal === undefined ? {} : { internal }),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  }
}
