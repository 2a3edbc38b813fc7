export { connectWorkers } from './connect-workers.ts'
export { installRuntime, temporalLog } from './temporal-log.ts'
export { type WorkerTracing, workerTracing } from './worker-tracing.ts'
export { loadWorkflowBundle, type WorkflowBundleOptions } from './workflow-bundle.ts'
