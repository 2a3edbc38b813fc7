import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Ports } from './layout.ts'
import { StackFault } from './stack-fault.ts'

/** Throws a fault that names the first busy port. */
export async function assertPortsFree(ports: Partial<Ports>): Promise<void> {
  await Promise.all(
    Object.entries(ports).map(async ([name, port]) => {
      const server = createServer()
      try {
        server.listen(port, '127.0.0.1')
        await once(server, 'listening')
      } catch {
        throw new StackFault(
          `port ${port} (${name}) is busy: free it, or move the whole stack with OPSCONDUCTOR_PORT_OFFSET=<number>`,
        )
      }
      server.close()
      await once(server, 'close')
    }),
  )
}
