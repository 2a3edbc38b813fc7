/**
 * Kong's entities in Kong's own wire form (snake_case), so that its documents can be read beside them.
 * Only the fields OpsConductor sets or reads; Kong sends more.
 */
interface Stored {
  id: string
  tags: string[] | null
  /** Seconds since the epoch. */
  created_at: number
  updated_at: number
}

/** Kong takes a reference by id or by name, and answers with the id. */
type ReferenceInput = { id: string } | { name: string } | null
export type KongReference = { id: string }

type Input<Entity, References = Record<never, never>> = Partial<
  Omit<Entity, 'created_at' | 'updated_at' | keyof References>
> &
  Partial<References>

export interface KongService extends Stored {
  name: string | null
  protocol: 'http' | 'https' | 'grpc' | 'grpcs' | 'tcp' | 'tls' | 'tls_passthrough' | 'udp'
  host: string
  port: number
  path: string | null
  retries: number
  /** Milliseconds. */
  connect_timeout: number
  write_timeout: number
  read_timeout: number
  enabled: boolean
}
/** `url` is Kong's shorthand for protocol, host, port and path. */
export type KongServiceInput = Input<KongService> & { url?: string }

export interface KongRoute extends Stored {
  name: string | null
  protocols: string[]
  methods: string[] | null
  hosts: string[] | null
  /** A prefix, not bound to segments, or `~` and a regex anchored at its start. */
  paths: string[] | null
  headers: Record<string, string[]> | null
  https_redirect_status_code: number
  regex_priority: number
  strip_path: boolean
  path_handling: 'v0' | 'v1'
  preserve_host: boolean
  request_buffering: boolean
  response_buffering: boolean
  service: KongReference | null
}
export type KongRouteInput = Input<KongRoute, { service: ReferenceInput }>

export interface KongPlugin extends Stored {
  name: string
  instance_name: string | null
  config: Record<string, unknown>
  protocols: string[]
  enabled: boolean
  route: KongReference | null
  service: KongReference | null
  consumer: KongReference | null
}
export type KongPluginInput = Input<
  KongPlugin,
  { route: ReferenceInput; service: ReferenceInput; consumer: { id: string } | { username: string } | null }
>

export interface KongConsumer extends Stored {
  username: string | null
  custom_id: string | null
}
export type KongConsumerInput = Input<KongConsumer>

export interface KongUpstream extends Stored {
  name: string
  algorithm: string
  host_header: string | null
  slots: number
}
export type KongUpstreamInput = Input<KongUpstream>

export interface KongTarget extends Stored {
  /** `host:port`. */
  target: string
  weight: number
  upstream: KongReference
}
export type KongTargetInput = Input<KongTarget, { upstream: ReferenceInput }>

export interface KongInfo {
  version: string
  hostname: string
  node_id: string
  plugins: { available_on_server: Record<string, unknown> }
}

export interface KongStatus {
  database: { reachable: boolean }
}
