import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type GatewayOptions, startGateway } from '../src/gateway.ts'

export interface TestGateway {
  proxyUrl: string
  adminUrl: string
  tlsUrl: string | undefined
  /** Calls the Admin API; throws unless the answer is a 2xx. */
  admin(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** A service `name` at `url` with one route `/name`. */
  publish(name: string, url: string, more?: { service?: object; route?: object }): Promise<void>
  stop(): Promise<void>
}

export async function startTestGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const gateway = await startGateway(options)
  const admin: TestGateway['admin'] = async (method, path, body) => {
    const answer = await fetch(new URL(path, gateway.adminUrl), {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  }
  return {
    ...gateway,
    admin,
    async publish(name, url, { service = {}, route = {} } = {}) {
      await admin('PUT', `/services/${name}`, { url, ...service })
      await admin('PUT', `/services/${name}/routes/${name}`, { paths: [`/${name}`], ...route })
    },
  }
}

/** An upstream on a free loopback port; `seen` lists what reached it. */
export async function startUpstream(answer: RequestListener) {
  const seen: IncomingMessage[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    seen.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
