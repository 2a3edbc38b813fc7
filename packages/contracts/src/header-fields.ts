import { z } from 'zod'

/** Headers that belong to the connection or to us; a job that could set them could smuggle or impersonate. */
const ownHeaders = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'keep-alive',
  'te',
  'trailer',
  'expect',
  'proxy-authorization',
  'proxy-connection',
  'accept-encoding',
])
export const isOwnHeader = (name: string): boolean => ownHeaders.has(name.toLowerCase())

export const HeaderName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'must be a header name')

export const SettableHeaderName = HeaderName.refine(
  (name) => !isOwnHeader(name),
  'must not be a header that the connection owns',
)

export const HeaderValue = z
  .string()
  .max(8_000)
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'must not hold control characters or characters beyond Latin-1')
