import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import type { Reach } from '../reach/reach.ts'

const connectMsMax = 10_000

/** Makes undici's connections the way that the step reaches its targets; the name stays what TLS certificates are checked against. */
export function checkedConnector(reach: Reach): buildConnector.connector {
  const secure = buildConnector({ timeout: connectMsMax, allowH2: false, minVersion: 'TLSv1.3' })
  return (target, callback) => {
    const isSecure = target.protocol === 'https:'
    const port = Number(target.port) || (isSecure ? 443 : 80)
    const signal = AbortSignal.timeout(connectMsMax)
    reach.connect(target.hostname, port, signal).then(
      (connected) => {
        const socket = connected as Socket
        if (isSecure) secure({ ...target, httpSocket: socket }, callback)
        else callback(null, socket)
      },
      (error: Error) => callback(error, null),
    )
  }
}
