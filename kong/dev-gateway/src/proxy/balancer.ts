import type { Service } from '../entities/service.ts'
import type { Target, Upstream } from '../entities/upstream.ts'
import type { Store } from '../store/store.ts'

export interface Peer {
  host: string
  port: number
  /** The Host header for the upstream when the route does not preserve the client's. */
  hostHeader: string
}

export type NextPeer = () => Peer | undefined

function hostWithPort(host: string, port: number, protocol: string): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === (protocol === 'https' ? 443 : 80) ? name : `${name}:${port}`
}

function splitTarget(target: string) {
  const colon = target.lastIndexOf(':')
  return { host: target.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(target.slice(colon + 1)) }
}

/** A service's host is an upstream's name, else a host of its own. Targets take turns by weight. */
export function createBalancer(service: Service, store: Store): NextPeer {
  const upstream = store.list('upstreams').find(({ name }) => name === service.host) as Upstream | undefined
  if (!upstream) {
    const { host, port, protocol } = service
    const peer = { host, port, hostHeader: hostWithPort(host, port, protocol) }
    return () => peer
  }
  const peers = (store.list('targets') as unknown as Target[])
    .filter((target) => target.upstream.id === upstream.id && target.weight !== 0)
    .map(({ target, weight }) => {
      const { host, port } = splitTarget(target)
      const hostHeader = hostWithPort(upstream.host_header ?? host, port, service.protocol)
      return { peer: { host, port, hostHeader }, weight: weight ?? 100, credit: 0 }
    })
  const total = peers.reduce((sum, { weight }) => sum + weight, 0)
  // nginx's smooth weighted round robin.
  return () => {
    let best: (typeof peers)[number] | undefined
    for (const candidate of peers) {
      candidate.credit += candidate.weight
      if (!best || candidate.credit > best.credit) best = candidate
    }
    if (best) best.credit -= total
    return best?.peer
  }
}
