import { randomUUID } from 'node:crypto'
import { flag, oneOf, optional, record, text } from '../entities/fields.ts'
import { definePlugin } from './plugin.ts'

export const correlationId = definePlugin({
  name: 'correlation-id',
  priority: 100_001,
  consumerAllowed: true,
  config: record({
    header_name: optional(text(), 'Kong-Request-ID'),
    generator: oneOf('uuid', 'uuid#counter', 'tracker').default('uuid#counter'),
    echo_downstream: flag().default(false),
  }).prefault({}),
  start(config) {
    const worker = randomUUID()
    const header = config.header_name ?? 'Kong-Request-ID'
    let count = 0
    const generate = (localPort: number | undefined, address: string | undefined) => {
      count += 1
      if (config.generator === 'uuid') return randomUUID()
      if (config.generator === 'uuid#counter') return `${worker}#${count}`
      return `${address}-${localPort}-${process.pid}-${count}-1-${Date.now() / 1000}`
    }
    return ({ request, toUpstream, toClient }) => {
      const given = request.headers[header.toLowerCase()]
      const { localPort, localAddress } = request.socket
      const id = typeof given === 'string' && given !== '' ? given : generate(localPort, localAddress)
      if (id !== given) toUpstream.push(header, id)
      if (config.echo_downstream) toClient.push(header, id)
      return undefined
    }
  },
})
