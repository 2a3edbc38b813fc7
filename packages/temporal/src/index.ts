export { connectTemporal, type Temporal, type TemporalOptions } from './connect.ts'
export { ensureNamespace } from './namespace.ts'
export { temporalUnavailable } from './unavailable.ts'
