import { runService } from '@opsconductor/service-kit'
import { bootstrapAdmin, createApps } from './app.ts'
import { readApiKeyConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('api-key', readApiKeyConfig, async (config) => {
  const deps = await createDeps(config)
  await bootstrapAdmin(deps)
  return { ...createApps(deps), log: deps.log, dispose: deps.dispose }
})
