import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { startJsonServer } from '../json-server.ts'
import type { TestCertificates } from '../test-certificates.ts'

/** What a server may do that stands where a vault should. */
export type Hostility = 'html' | 'redirect' | 'huge' | 'silent' | 'cut' | 'deep' | 'garbage'

/** Does the same to every request, over TLS. `lured` counts the requests to where the redirect points. */
export async function startHostileVault(hostility: Hostility, certificates: TestCertificates) {
  const elsewhere = await startJsonServer({
    tls: certificates.server,
    answer: () => ({ status: 200, body: {} }),
  })
  const server = createServer(certificates.server, (request, response) => {
    request.resume()
    const json = { 'content-type': 'application/json' }
    if (hostility === 'html')
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><h1>Welcome</h1>')
    else if (hostility === 'redirect')
      response.writeHead(307, { location: `https://127.0.0.1:${elsewhere.port}${request.url}` }).end()
    else if (hostility === 'huge') {
      response.writeHead(200, json)
      response.end(`{"data":{"data":{"a":"${'x'.repeat(10 * 1024 * 1024)}"}}}`)
    } else if (hostility === 'cut') response.writeHead(200, json).write('{"data":', () => response.destroy())
    else if (hostility === 'deep')
      response.writeHead(200, json).end(`{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    else if (hostility === 'garbage')
      response.writeHead(200, json).end('{"data":{"data":7,"metadata":[]},"Content":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `hostile.vaults.localhost:${port}`,
    lured: () => elsewhere.requests.length,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await elsewhere.close()
    },
  }
}
