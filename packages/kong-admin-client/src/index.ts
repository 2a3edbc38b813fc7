export { createKongAdminClient, type KongAdminClient, type KongAdminClientOptions } from './client.ts'
export type {
  KongConsumer,
  KongConsumerInput,
  KongInfo,
  KongPlugin,
  KongPluginInput,
  KongReference,
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
export type { EntityRoom, ListOptions } from './entity-room.ts'
export { KongAdminError, type KongAdminErrorKind } from './kong-admin-error.ts'
