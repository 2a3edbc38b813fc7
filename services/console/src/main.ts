import { createHealthApp, createLog, createMetrics, runService } from '@opsconductor/service-kit'
import { createPublicApp } from './app.ts'
import { readConsoleConfig } from './config.ts'

await runService('console', readConsoleConfig, (config) => {
  const context = { log: createLog('console', config.LOG_LEVEL), metrics: createMetrics() }
  return {
    log: context.log,
    publicApp: createPublicApp(context, config),
    internalApp: createHealthApp({ ...context, ready: async () => {} }),
    dispose: async () => {},
  }
})
