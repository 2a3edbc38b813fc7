import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { optional, text } from '../entities/fields.ts'
import { definePlugin } from './plugin.ts'

export const correlationId = definePlugin({
  name: 'correlation-id',
  priority: 100_001,
  config: z
    .strictObject({
      header_name: optional(text(), 'Kong-Request-ID'),
      generator: z.enum(['uuid', 'uuid#counter']).default('uuid#counter'),
      echo_downstream: z.boolean().default(false),
    })
    .prefault({}),
  start(config) {
    const worker = randomUUID()
    const header = config.header_name ?? 'Kong-Request-ID'
    let count = 0
    const generate = () => {
      count += 1
      return config.generator === 'uuid' ? randomUUID() : `${worker}#${count}`
    }
    return ({ request, toUpstream, toClient }) => {
      const given = request.headers[header.toLowerCase()]
      const id = typeof given === 'string' && given !== '' ? given : generate()
      if (id !== given) toUpstream.push([header, id])
      if (config.echo_downstream) toClient.push([header, id])
      return undefined
    }
  },
})
