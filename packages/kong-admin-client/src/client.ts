import { setTimeout as sleep } from 'node:timers/promises'
import type {
  KongConsumer,
  KongConsumerInput,
  KongInfo,
  KongPlugin,
  KongPluginInput,
  KongRoute,
  KongRouteInput,
  KongService,
  KongServiceInput,
  KongStatus,
  KongTarget,
  KongTargetInput,
  KongUpstream,
  KongUpstreamInput,
} from './entities.ts'
import { type EntityRoom, entityRoom, type ListOptions, listAt } from './entity-room.ts'
import { createSender } from './send.ts'

export interface KongAdminClientOptions {
  /** Where the Admin API is, e.g. `http://127.0.0.1:8001`; a path in it is kept as a prefix. */
  adminUrl: string
  /** Sent as `Kong-Admin-Token`. */
  token?: string | undefined
  /** For one try, from connecting to the last byte. */
  timeoutMs: number
  /** Default 3. GET, PUT and DELETE are tried again; POST and PATCH only where no connection was made. */
  triesMax?: number
  /** Between tries; injected by tests. */
  wait?(ms: number): Promise<void>
  random?(): number
}

export interface KongAdminClient {
  services: EntityRoom<KongService, KongServiceInput>
  routes: EntityRoom<KongRoute, KongRouteInput> & {
    listOfService(service: string, options?: ListOptions): AsyncIterable<KongRoute>
  }
  plugins: EntityRoom<KongPlugin, KongPluginInput> & {
    listOfService(service: string, options?: ListOptions): AsyncIterable<KongPlugin>
    listOfRoute(route: string, options?: ListOptions): AsyncIterable<KongPlugin>
  }
  consumers: EntityRoom<KongConsumer, KongConsumerInput>
  upstreams: EntityRoom<KongUpstream, KongUpstreamInput>
  targets(upstream: string): EntityRoom<KongTarget, KongTargetInput>
  info(): Promise<KongInfo>
  status(): Promise<KongStatus>
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** Every failure is a `KongAdminError`. */
export function createKongAdminClient(options: KongAdminClientOptions): KongAdminClient {
  const { adminUrl, token, timeoutMs, triesMax = 3, wait = sleep, random = Math.random } = options
  const { send, close } = createSender({ adminUrl, token, timeoutMs, triesMax, wait, random })
  const under = (room: string, parent: string, child: string) =>
    `/${room}/${encodeURIComponent(parent)}/${child}`
  return {
    services: entityRoom(send, '/services'),
    routes: {
      ...entityRoom<KongRoute, KongRouteInput>(send, '/routes'),
      listOfService: (service, list) => listAt(send, under('services', service, 'routes'), list),
    },
    plugins: {
      ...entityRoom<KongPlugin, KongPluginInput>(send, '/plugins'),
      listOfService: (service, list) => listAt(send, under('services', service, 'plugins'), list),
      listOfRoute: (route, list) => listAt(send, under('routes', route, 'plugins'), list),
    },
    consumers: entityRoom(send, '/consumers'),
    upstreams: entityRoom(send, '/upstreams'),
    targets: (upstream) => entityRoom(send, under('upstreams', upstream, 'targets')),
    info: async () => (await send('GET', '/')).body as KongInfo,
    status: async () => (await send('GET', '/status')).body as KongStatus,
    close,
  }
}
