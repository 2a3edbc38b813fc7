import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createAdminServer } from './admin/app.ts'
import { loadCertificates } from './certificates.ts'
import type { Clock } from './plugins/plugin.ts'
import { createProxy } from './proxy/app.ts'
import { readState, writeState } from './store/state-file.ts'
import { createStore } from './store/store.ts'

export interface GatewayOptions {
  /** Default 127.0.0.1; the Admin API listens on loopback whatever this says. */
  host?: string
  /** Default 0: a free port. */
  port?: number
  adminPort?: number
  /** Undefined: no TLS. 0: a free port. Needs `tlsDir`. */
  tlsPort?: number | undefined
  tlsDir?: string | undefined
  /** Undefined: nothing outlives the process. */
  stateFile?: string | undefined
  clock?: Clock
  /** How long a client may take to send its request head. */
  headersTimeoutMs?: number
  /** How long `stop` waits for requests in flight. */
  drainMsMax?: number
  log?: (line: string) => void
}

export interface Gateway {
  proxyUrl: string
  adminUrl: string
  tlsUrl: string | undefined
  /** Stops accepting, lets requests in flight end (5 s at most by default), closes the rest. */
  stop(): Promise<void>
}

const adminHost = '127.0.0.1'

async function listen(server: Server, host: string, port: number, variable: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be opened: ${error.message}`
      reject(new Error(`port ${port} on ${host} ${why}: set ${variable} to another one`))
    })
    server.listen(port, host, resolve)
  })
  const { address, family, port: opened } = server.address() as AddressInfo
  return `${family === 'IPv6' ? `[${address}]` : address}:${opened}`
}

async function drain(servers: Server[], drainMsMax: number): Promise<void> {
  // A kept-alive connection turns idle only after its last answer, so look again until the end.
  const idle = setInterval(() => {
    for (const server of servers) server.closeIdleConnections()
  }, 20)
  const force = setTimeout(() => {
    for (const server of servers) server.closeAllConnections()
  }, drainMsMax)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  clearInterval(idle)
  clearTimeout(force)
}

export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { host = '127.0.0.1', clock = Date, log = () => undefined, stateFile, tlsDir, tlsPort } = options
  const store = createStore(stateFile === undefined ? undefined : readState(stateFile))
  const persist = () => {
    if (stateFile !== undefined) writeState(stateFile, store.snapshot())
  }
  const proxy = createProxy({ store, clock, log })
  const admin = createAdminServer({ store, persist, log })
  const { headersTimeoutMs = 15_000, drainMsMax = 5_000 } = options
  // Node's strict parser stays in charge; these bound what one client can hold.
  const bounds = {
    requireHostHeader: false,
    requestTimeout: 300_000,
    keepAliveTimeout: 65_000,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, headersTimeoutMs),
  }
  const plain = createHttpServer(bounds)
  const secure =
    tlsPort === undefined || tlsDir === undefined
      ? undefined
      : createHttpsServer({ ...bounds, ...(await loadCertificates(tlsDir, host)), minVersion: 'TLSv1.3' })
  for (const server of secure ? [plain, secure] : [plain]) {
    server.on('request', proxy.handle)
    server.on('checkContinue', proxy.handle)
  }
  const stop = async () => {
    const servers = [plain, admin, secure].filter((server) => server?.listening) as Server[]
    await drain(servers, drainMsMax)
    await proxy.close()
  }
  try {
    const proxyUrl = `http://${await listen(plain, host, options.port ?? 0, 'GATEWAY_PORT')}`
    const adminUrl = `http://${await listen(admin, adminHost, options.adminPort ?? 0, 'GATEWAY_ADMIN_PORT')}`
    const tlsUrl = secure && `https://${await listen(secure, host, tlsPort ?? 0, 'GATEWAY_TLS_PORT')}`
    return { proxyUrl, adminUrl, tlsUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
