import {
  createHealthApp,
  createLog,
  createMetrics,
  listen,
  runService,
  startTracing,
} from '@opsconductor/service-kit'
import { createPublicApp } from './app.ts'
import { loadConfig } from './config.ts'

await runService('console', async () => {
  const config = loadConfig(process.env)
  const tracing = await startTracing('console', config.OTEL_EXPORTER_OTLP_ENDPOINT)
  const context = { log: createLog('console', config.LOG_LEVEL), metrics: createMetrics() }
  const publicListener = await listen(createPublicApp(context, config), config.HOST, config.PUBLIC_PORT)
  const internalListener = await listen(
    createHealthApp({ ...context, ready: async () => {} }),
    config.HOST,
    config.INTERNAL_PORT,
  )
  context.log.info({ public: publicListener.url, internal: internalListener.url }, 'listening')
  return {
    log: context.log,
    async stop() {
      await Promise.all([publicListener.close(), internalListener.close()])
      await tracing.stop()
    },
  }
})
