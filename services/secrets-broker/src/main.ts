import { runService } from '@opsconductor/service-kit'
import { createApps } from './app.ts'
import { readBrokerConfig } from './config.ts'
import { createDeps } from './deps.ts'

await runService('secrets-broker', readBrokerConfig, async (config) => {
  const deps = await createDeps(config)
  await deps.keyring.load()
  return {
    ...createApps(deps),
    log: deps.log,
    onListening() {
      deps.followKeys()
      deps.chores.start()
    },
    dispose: deps.dispose,
  }
})
