import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@opsconductor/test-peers'
import { cacheDirectory, type Layout } from '../local/layout.ts'
import { startPostgres } from '../local/postgres.ts'
import { createSupervisor } from '../local/supervisor.ts'
import { startTemporal } from '../local/temporal.ts'
import { findTemporalCli } from '../local/temporal-cli.ts'

const emptyServer =
  "require('node:http').createServer((q, s) => s.end()).listen(0, '127.0.0.1', () => console.log('ready'))"

async function startEmptyProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', emptyServer], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

/**
 * Seconds until as many empty node processes as the stack has, PostgreSQL and Temporal are ready, all started at once,
 * on the data of a stack that ran before.
 */
export async function benchBareStart(
  layout: Layout,
  postgresPassword: string,
  processes: number,
): Promise<number> {
  const scratch = mkdtempSync('/tmp/opsconductor-bench-')
  const cli = findTemporalCli(process.env, cacheDirectory(process.env), console.log)
  const [postgresPort, temporalPort, uiPort] = await Promise.all([freePort(), freePort(), freePort()])
  const supervisor = createSupervisor({ logDirectory: scratch, runDirectory: scratch, onDeath: () => {} })
  const startedAt = performance.now()
  const children = Promise.all(Array.from({ length: processes }, startEmptyProcess))
  await Promise.all([
    startPostgres(supervisor, {
      dataDirectory: layout.postgresData,
      port: postgresPort,
      password: postgresPassword,
    }),
    startTemporal(supervisor, {
      cli,
      databaseFile: join(layout.temporalData, 'temporal.db'),
      port: temporalPort,
      uiPort,
    }),
    children,
  ])
  const seconds = (performance.now() - startedAt) / 1000
  for (const child of await children) child.kill()
  await supervisor.stop()
  rmSync(scratch, { recursive: true, force: true })
  return seconds
}
