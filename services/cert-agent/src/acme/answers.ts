import { z } from 'zod'

// What a CA answers (RFC 8555 section 7.1), as far as it is used; whatever is not of this form is refused.

const Url = z.string().max(2_000)
const problem = z.unknown().optional()

export const Directory = z.object({
  newAccount: Url,
  newOrder: Url,
  /** RFC 9773. */
  renewalInfo: Url.optional().catch(undefined),
  meta: z
    .object({ profiles: z.record(z.string(), z.unknown()).optional().catch(undefined) })
    .optional()
    .catch(undefined),
})
export type Directory = z.infer<typeof Directory>

export const Order = z.object({
  url: Url,
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  identifiers: z.array(z.object({ type: z.string(), value: z.string() })).max(200),
  authorizations: z.array(Url).max(200),
  finalize: Url,
  certificate: Url.optional(),
  error: problem,
})
export type Order = z.infer<typeof Order>

export const Authorization = z.object({
  url: Url,
  status: z.enum(['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
  identifier: z.object({ type: z.string(), value: z.string().max(255) }),
  wildcard: z.boolean().optional(),
  challenges: z
    .array(
      z.object({
        type: z.string(),
        url: Url,
        status: z.string(),
        token: z.string().optional(),
        error: problem,
      }),
    )
    .max(50),
})
export type Authorization = z.infer<typeof Authorization>

/** RFC 8555 section 8.3: at least 128 bits of base64url. It becomes the name of a file, so nothing else will do. */
export const Token = z.string().regex(/^[A-Za-z0-9_-]{16,255}$/)
