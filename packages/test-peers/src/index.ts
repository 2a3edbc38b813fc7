export { type ApiKeyPeer, startApiKeyPeer, testInternalKey } from './api-key-peer.ts'
export { createTestDatabase, type TestDatabase } from './database.ts'
export { requirePeer } from './peer.ts'
export { testTemporalAddress } from './temporal.ts'
export {
  type PermissionActors,
  type PermissionWalk,
  peerActors,
  type WalkOptions,
  walkPermissions,
} from './walk-permissions.ts'
