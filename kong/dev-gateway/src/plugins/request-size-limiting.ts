import { z } from 'zod'
import { integer, optional } from '../entities/fields.ts'
import { definePlugin } from './plugin.ts'

const bytesPerUnit = { megabytes: 2 ** 20, kilobytes: 2 ** 10, bytes: 1 }

export const sizeExceeded = 'Request size limit exceeded'

export const requestSizeLimiting = definePlugin({
  name: 'request-size-limiting',
  priority: 951,
  config: z
    .strictObject({
      allowed_payload_size: optional(integer(), 128),
      size_unit: z.enum(['megabytes', 'kilobytes', 'bytes']).default('megabytes'),
      require_content_length: z.boolean().default(false),
    })
    .prefault({}),
  start(config) {
    const bytesMax = (config.allowed_payload_size ?? 128) * bytesPerUnit[config.size_unit]
    return (exchange) => {
      const { headers } = exchange.request
      const declared = headers['content-length']
      if (declared !== undefined) {
        if (Number(declared) <= bytesMax) return undefined
        return { status: headers.expect === undefined ? 413 : 417, body: sizeExceeded }
      }
      if (headers['transfer-encoding'] === undefined) return undefined
      if (config.require_content_length) {
        return { status: 411, body: 'A valid Content-Length header is required' }
      }
      exchange.bodyBytesMax = bytesMax
      return undefined
    }
  },
})
