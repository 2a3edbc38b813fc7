import { listen, runService, startTracing } from '@opsconductor/service-kit'
import { createApps } from './app.ts'
import { readRegistryConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('interface-registry', async () => {
  const config = readRegistryConfig()
  const tracing = await startTracing('interface-registry', config.OTEL_EXPORTER_OTLP_ENDPOINT)
  const deps = createDeps(config)
  const { publicApp, internalApp } = createApps(deps)
  const listeners = [
    await listen(publicApp, config.HOST, config.PUBLIC_PORT),
    await listen(internalApp, config.HOST, config.INTERNAL_PORT),
  ]
  // Only now: its probes come back to our own public listener.
  deps.publisher.start()
  deps.log.info({ urls: listeners.map(({ url }) => url) }, 'listening')
  return {
    log: deps.log,
    async stop() {
      await Promise.all(listeners.map((listener) => listener.close()))
      await deps.dispose()
      await tracing.stop()
    },
  }
})
