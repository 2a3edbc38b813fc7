export { createTestDatabase, type TestDatabase } from './database.ts'
export { requirePeer } from './peer.ts'
export { testTemporalAddress } from './temporal.ts'
