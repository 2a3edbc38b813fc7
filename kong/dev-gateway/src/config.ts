import { z } from 'zod'

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback)

const Environment = z
  .object({
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
  .refine((env) => env.GATEWAY_TLS_PORT === 0 || env.GATEWAY_TLS_DIR !== undefined, {
    path: ['GATEWAY_TLS_DIR'],
    error: 'is not set: GATEWAY_TLS_PORT needs a folder for its certificates',
  })
  .transform((env) => ({
    host: env.GATEWAY_HOST,
    port: env.GATEWAY_PORT,
    /** Undefined: no TLS listener. */
    tlsPort: env.GATEWAY_TLS_PORT || undefined,
    adminPort: env.GATEWAY_ADMIN_PORT,
    stateFile: env.GATEWAY_STATE_FILE,
    tlsDir: env.GATEWAY_TLS_DIR,
  }))

/** The environment; throws one line that tells all its faults. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env) {
  const parsed = Environment.safeParse(environment)
  if (parsed.success) return parsed.data
  throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '))
}
