import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { demoDatabaseName } from '../demo/demo-database.ts'
import type { Demo } from '../demo/set-up-demo.ts'
import { root } from '../local/layout.ts'
import type { Stack } from '../local/stack.ts'

/** A hand-written worker beside the executor's, in a process of its own, in the demo project's namespace. */
export async function startBareWorker({ backing, keys, layout }: Stack, demo: Demo) {
  const dsn = new URL(backing.databaseUrl)
  dsn.pathname = `/${demoDatabaseName}`
  dsn.username = 'demo_reader'
  dsn.password = encodeURIComponent(keys.demo.databasePassword)
  const worker = spawn(process.execPath, [fileURLToPath(new URL('./bare-worker.ts', import.meta.url))], {
    cwd: root,
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: backing.temporalAddress,
      NAMESPACE: `project-${demo.projectId}`,
      STATUS_URL: `http://127.0.0.1:${layout.ports.demoStatus}`,
      AUTHORIZATION: `Basic ${Buffer.from(`opsconductor:${keys.demo.statusPassword}`).toString('base64')}`,
      CATALOGUE_DSN: dsn.href,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(worker.stdout, 'data')
  return {
    async stop() {
      worker.kill('SIGTERM')
      await once(worker, 'exit')
    },
  }
}
