import { listen, runService, startTracing } from '@opsconductor/service-kit'
import { createApps } from './app.ts'
import { readExecutorConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('executor', async () => {
  const config = readExecutorConfig()
  const tracing = await startTracing('executor', config.OTEL_EXPORTER_OTLP_ENDPOINT)
  const deps = createDeps(config, { tracing })
  const { publicApp, internalApp } = createApps(deps)
  const listeners = [
    await listen(publicApp, config.HOST, config.PUBLIC_PORT),
    await listen(internalApp, config.HOST, config.INTERNAL_PORT),
  ]
  deps.log.info({ public: listeners[0]?.url, internal: listeners[1]?.url }, 'listening')
  return {
    log: deps.log,
    async stop() {
      await Promise.all(listeners.map((listener) => listener.close()))
      await deps.dispose()
      await tracing.stop()
    },
  }
})
