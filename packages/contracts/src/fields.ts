import { z } from 'zod'

export const Id = z.uuid()
export const Timestamp = z.iso.datetime()

/**
 * Any JSON value; what jobs take and give. Use this, not z.json(): the type in its metadata keeps the OpenAPI generator
 * from following the recursion for ever.
 */
export const Json = z.json().meta({ type: ['object', 'array', 'string', 'number', 'boolean', 'null'] })

/** A JSON Schema (2020-12) as a document; it is compiled where it is used. */
export const JsonSchema = z.record(z.string(), Json)

/** A name people give a thing: visible characters and inner spaces, so that it can be quoted in a log line. */
export const DisplayName = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters')

/** A name used in URLs, templates and references. */
export const Slug = z
  .string()
  .max(100)
  .regex(/^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/, 'must be lower-case words joined by - or _')

/** The name of what is referred to by name or id: it is never a UUID, so that a reference is one or the other. */
export const ReferableSlug = Slug.refine((name) => !z.uuid().safeParse(name).success, 'must not be a UUID')

/** `?limit=&cursor=` of every list. The cursor is opaque to clients: the id of the last row shown. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.guid('is not a cursor').optional(),
})
export type PageQuery = z.infer<typeof PageQuery>

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() })

export const IdParams = z.object({ id: Id })

const hostLabels = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/
const isHost = (text: string): boolean => hostLabels.test(text) || z.ipv6().safeParse(text).success

/** One spelling for each IPv6 address, as URLs have it. */
const plainHost = (text: string): string =>
  z.ipv6().safeParse(text).success ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text

/** A host name or IP address, without port; in lower case. */
export const HostName = z
  .string()
  .max(255)
  .toLowerCase()
  .overwrite(plainHost)
  .refine(isHost, 'must be one host name or IP address, without port or pattern')

/** The same, or `*.` and a domain for every name below it. */
export const HostPattern = z
  .string()
  .max(255)
  .toLowerCase()
  .overwrite(plainHost)
  .refine(
    (text) => isHost(text.replace(/^\*\./, '')),
    'must be a host name or IP address without port, or *. and a domain',
  )

/** Where a step or a check sends a request. Credentials travel otherwise, so that they can be kept out of records. */
export const TargetUrl = z
  .string()
  .max(8_000)
  .refine((text) => {
    if (!URL.canParse(text)) return false
    const { protocol, username, password } = new URL(text)
    return (protocol === 'http:' || protocol === 'https:') && username === '' && password === ''
  }, 'must be an http or https URL without credentials in it')
