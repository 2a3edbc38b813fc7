import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port on loopback that nothing listens on right now, for a program that must be told its port. Never one that the
 * system hands out by itself (32768 and up), which any connection that is opened meanwhile may take; nor one of a whole
 * stack's, which in tests are from 13000 on.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(9_000, 13_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
