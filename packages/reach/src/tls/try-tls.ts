import { inspectTls } from './inspect-tls.ts'
import type { TlsTools } from './open-tls.ts'

/** Tries a client certificate on a server that must be trusted. Throws the error that a step would have. */
export async function tryTls({ host, port }: { host: string; port: number }, tools: TlsTools): Promise<void> {
  await inspectTls({ host, port, servername: host }, tools)
}
