export { connectTemporal, type Temporal, type TemporalOptions } from './connect.ts'
export { ensureNamespace } from './namespace.ts'
export { retireNamespace } from './retire-namespace.ts'
export { isNamespaceClosed, temporalUnavailable } from './unavailable.ts'
