import { runService } from '@opsconductor/service-kit'
import { createApps } from './app.ts'
import { createBackground } from './background.ts'
import { readAgentConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('cert-agent', readAgentConfig, (config, tracing) => {
  const deps = createDeps(config, { tracing })
  const background = createBackground(deps, tracing)
  return {
    ...createApps(deps),
    log: deps.log,
    onListening: background.start,
    onStopping: () => deps.stopping.abort(),
    drain: background.drain,
    async dispose() {
      await background.stop()
      await deps.dispose()
    },
  }
})
