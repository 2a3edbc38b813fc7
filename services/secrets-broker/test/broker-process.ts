import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { testInternalKey } from '@opsconductor/test-peers'
import { send } from './running-broker.ts'

export type BrokerProcess = Awaited<ReturnType<typeof startBrokerProcess>>

/** src/main.ts as a process of its own, which tests may kill; of this process's environment it has PATH and SoftHSM's. */
export async function startBrokerProcess(settings: Record<string, string>) {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const { PATH, SOFTHSM2_CONF } = process.env
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH,
      SOFTHSM2_CONF,
      INTERNAL_KEY: testInternalKey,
      PUBLIC_PORT: '0',
      INTERNAL_PORT: '0',
      ...settings,
    },
  })
  const exited = once(child, 'exit')
  const startedAt = new Date()
  for await (const line of createInterface({ input: child.stdout })) {
    const { internal_url: url } = JSON.parse(line) as { internal_url?: string }
    if (url === undefined) continue
    child.stdout.resume()
    return {
      startedAt,
      /** A request of an operator to `/internal/secrets/…`. */
      call: (method: string, path: string, body?: unknown) =>
        send(`${url}/internal/secrets/${path}`, {
          method,
          body,
          headers: { 'x-internal-key': testInternalKey },
        }),
      async kill() {
        child.kill('SIGKILL')
        await exited
      },
    }
  }
  throw new Error('the broker ended before it listened')
}
