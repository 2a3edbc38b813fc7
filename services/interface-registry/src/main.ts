import { runService } from '@opsconductor/service-kit'
import { createApps } from './app.ts'
import { readRegistryConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('interface-registry', readRegistryConfig, (config) => {
  const deps = createDeps(config)
  return {
    ...createApps(deps),
    log: deps.log,
    // Its probes come back to our own public listener.
    onListening: () => deps.leadership.start(),
    dispose: deps.dispose,
  }
})
