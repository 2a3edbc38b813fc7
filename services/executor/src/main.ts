import { runService } from '@opsconductor/service-kit'
import { createApps } from './app.ts'
import { readExecutorConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('executor', readExecutorConfig, (config, tracing) => {
  const deps = createDeps(config, { tracing })
  return {
    ...createApps(deps),
    log: deps.log,
    onListening: deps.chores.start,
    drain: deps.drain,
    dispose: deps.dispose,
  }
})
