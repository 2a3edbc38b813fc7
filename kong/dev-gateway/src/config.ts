import { z } from 'zod'

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback)

const Environment = z.object({
  NODE_ENV: z
    .string()
    .optional()
    .refine(
      (value) => value !== 'production',
      'is production: the dev gateway is for development only, run Kong',
    ),
  GATEWAY_HOST: z.string().min(1).default('127.0.0.1'),
  GATEWAY_PORT: port(8000),
  GATEWAY_TLS_PORT: port(0),
  GATEWAY_ADMIN_PORT: port(8001),
  GATEWAY_STATE_FILE: z.string().min(1).optional(),
  GATEWAY_TLS_DIR: z.string().min(1).optional(),
})

export interface Config {
  host: string
  port: number
  /** Undefined: no TLS listener. */
  tlsPort: number | undefined
  adminPort: number
  stateFile: string | undefined
  tlsDir: string | undefined
}

/** The environment, or one line per fault. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config | { faults: string[] } {
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) {
    return { faults: parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`) }
  }
  const env = parsed.data
  if (env.GATEWAY_TLS_PORT !== 0 && env.GATEWAY_TLS_DIR === undefined) {
    return { faults: ['GATEWAY_TLS_DIR is not set: GATEWAY_TLS_PORT needs a folder for its certificates'] }
  }
  return {
    host: env.GATEWAY_HOST,
    port: env.GATEWAY_PORT,
    tlsPort: env.GATEWAY_TLS_PORT === 0 ? undefined : env.GATEWAY_TLS_PORT,
    adminPort: env.GATEWAY_ADMIN_PORT,
    stateFile: env.GATEWAY_STATE_FILE,
    tlsDir: env.GATEWAY_TLS_DIR,
  }
}
