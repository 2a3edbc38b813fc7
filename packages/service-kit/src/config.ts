import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'

type Environment = Readonly<Record<string, string | undefined>>

/** The configuration cannot be used; the message lists every fault, one a line, and holds no values. */
export class ConfigError extends Error {}

/**
 * Reads a service's configuration: `shape` maps each environment variable to its zod type. Every fault is reported at
 * once. A variable may also be given as a file, `NAME_FILE=/run/secrets/name` (Docker and Kubernetes secrets).
 */
export function readConfig<Shape extends z.ZodRawShape>(
  environment: Environment,
  shape: Shape,
): z.infer<z.ZodObject<Shape>> {
  const values: Record<string, string | undefined> = {}
  const faults: string[] = []
  for (const name of Object.keys(shape)) {
    const file = environment[`${name}_FILE`]
    try {
      const value = file === undefined ? environment[name] : readFileSync(file, 'utf8').trim()
      values[name] = value === '' ? undefined : value
    } catch (error) {
      faults.push(`${name}_FILE cannot be read: ${(error as NodeJS.ErrnoException).code}`)
    }
  }
  const result = z.object(shape).safeParse(values)
  for (const issue of result.error?.issues ?? []) {
    const name = String(issue.path[0])
    const missing = values[name] === undefined
    if (!faults.some((fault) => fault.startsWith(`${name}_FILE`)))
      faults.push(missing ? `${name} not set` : `${name}: ${issue.message}`)
  }
  if (faults.length > 0 || !result.success) throw new ConfigError(faults.join('\n'))
  return result.data
}

export const port = z.coerce.number().int().min(0).max(65_535)
export const httpUrl = z.url({ protocol: /^https?$/ })
/** A key or pepper: long enough that guessing it is out of the question. */
export const secretText = z.string().min(16, 'must be at least 16 characters')

/** PKCS#8 PEM of an Ed25519 key; a literal `\n` stands for a line end where the environment cannot hold one. */
export const signingKey = z.string().transform((text, context): KeyObject => {
  try {
    const key = createPrivateKey(text.replaceAll('\\n', '\n'))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // OpenSSL's message would say nothing that helps
  }
  context.addIssue({ code: 'custom', message: 'must be an Ed25519 private key as PKCS#8 PEM' })
  return z.NEVER
})

/** The variables every service takes, with its own default ports. */
export function commonConfig(defaults: { publicPort: number; internalPort: number }) {
  return {
    HOST: z.string().default('127.0.0.1'),
    PUBLIC_PORT: port.default(defaults.publicPort),
    INTERNAL_PORT: port.default(defaults.internalPort),
    LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  }
}
