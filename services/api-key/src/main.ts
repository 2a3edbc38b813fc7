import { listen, runService, startTracing } from '@opsconductor/service-kit'
import { bootstrapAdmin, createApps } from './app.ts'
import { readApiKeyConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('api-key', async () => {
  const config = readApiKeyConfig()
  const tracing = await startTracing('api-key', config.OTEL_EXPORTER_OTLP_ENDPOINT)
  const deps = await createDeps(config)
  await bootstrapAdmin(deps)
  const { publicApp, internalApp } = createApps(deps)
  const internal = await listen(internalApp, config.HOST, config.INTERNAL_PORT)
  const open = await listen(publicApp, config.HOST, config.PUBLIC_PORT)
  deps.log.info({ public_url: open.url, internal_url: internal.url }, 'listening')
  return {
    log: deps.log,
    async stop() {
      await Promise.all([open.close(), internal.close()])
      await deps.dispose()
      await tracing.stop()
    },
  }
})
