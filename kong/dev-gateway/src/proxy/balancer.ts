import type { Service } from '../entities/service.ts'
import type { Target, Upstream } from '../entities/upstream.ts'
import type { Store } from '../store/store.ts'

export interface Peer {
  /** `http://host:port` */
  origin: string
  /** The Host header for the upstream when the route does not preserve the client's. */
  hostHeader: string
}

export type NextPeer = () => Peer | undefined

function peerAt({ protocol }: Service, host: string, port: number, hostHeader?: string | null): Peer {
  const bracketed = host.includes(':') ? `[${host}]` : host
  const usual = port === (protocol === 'https' ? 443 : 80)
  return {
    origin: `${protocol}://${bracketed}:${port}`,
    hostHeader: `${hostHeader ?? bracketed}${usual ? '' : `:${port}`}`,
  }
}

/** A service's host is an upstream's name, else a host of its own. Targets take turns, those of weight 0 get none. */
export function createBalancer(service: Service, store: Store): NextPeer {
  const upstream = store.list('upstreams').find(({ name }) => name === service.host) as Upstream | undefined
  if (!upstream) {
    const peer = peerAt(service, service.host, service.port)
    return () => peer
  }
  const targets = store.list('targets') as unknown as Target[]
  const peers = targets
    .filter((target) => target.upstream.id === upstream.id && target.weight !== 0)
    .map(({ target }) => {
      const { hostname, port } = new URL(`tcp://${target}`)
      return peerAt(service, hostname.replace(/^\[|\]$/g, ''), Number(port), upstream.host_header)
    })
  let turn = 0
  return () => peers[turn++ % peers.length]
}
