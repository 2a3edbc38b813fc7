import { runService } from '@opsconductor/service-kit'
import { createApps } from './app.ts'
import { readBrokerConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('secrets-broker', readBrokerConfig, async (config) => {
  const deps = await createDeps(config)
  await deps.checkKeysAtStart()
  return { ...createApps(deps), log: deps.log, dispose: deps.dispose }
})
