import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@opsconductor/test-peers'
import { cacheDirectory } from '../local/layout.ts'
import { startPostgres } from '../local/postgres.ts'
import { createSupervisor } from '../local/supervisor.ts'
import { startTemporal } from '../local/temporal.ts'
import { findTemporalCli } from '../local/temporal-cli.ts'
import { prepareMariaDb } from './mariadb-up.ts'
import { prepareMoto } from './moto-up.ts'
import { preparePebble } from './pebble-up.ts'
import { preparePostgresTools } from './postgres-tools-up.ts'
import { preparePrograms } from './programs-up.ts'
import { preparePromtool } from './promtool-up.ts'
import { prepareSoftHsm } from './softhsm-up.ts'

export interface RunningPeers {
  /** What the tests read: TEST_DATABASE_URL, TEST_TEMPORAL_ADDRESS, and those of the peers that are optional outside CI. */
  environment: Record<string, string>
  /** A directory for this run only. */
  scratch: string
  stop(): Promise<void>
}

/** What makes PostgreSQL quick where its data is thrown away. */
const throwAway = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off']

/** Starts the real peers of a test run on free ports, their data in a directory that goes with them. */
export async function startTestPeers(): Promise<RunningPeers> {
  const scratch = mkdtempSync('/tmp/opsconductor-test-')
  chmodSync(scratch, 0o711)
  const supervisor = createSupervisor({
    logDirectory: scratch,
    runDirectory: scratch,
    onDeath: (name, how) => console.error(`${name} ended (${how}) in the middle of the tests`),
  })
  const stop = async () => {
    await supervisor.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
  try {
    const cli = findTemporalCli(process.env, cacheDirectory(process.env), console.log)
    const [postgresPort, temporalPort] = await Promise.all([freePort(), freePort()])
    const [TEST_DATABASE_URL, TEST_TEMPORAL_ADDRESS] = await Promise.all([
      startPostgres(supervisor, {
        dataDirectory: join(scratch, 'postgres'),
        port: postgresPort,
        password: 'postgres',
        settings: throwAway,
      }),
      startTemporal(supervisor, {
        cli,
        databaseFile: join(scratch, 'temporal.db'),
        port: temporalPort,
        uiPort: 0,
      }),
    ])
    const cache = cacheDirectory(process.env)
    preparePrograms(console.log)
    const environment = {
      TEST_DATABASE_URL,
      TEST_TEMPORAL_ADDRESS,
      TEST_TEMPORAL_CLI: cli,
      ...prepareSoftHsm(scratch, cache, console.log),
      ...preparePromtool(console.log),
      ...preparePostgresTools(console.log),
      ...prepareMariaDb(console.log),
      ...prepareMoto(cache, console.log),
      ...preparePebble(cache, console.log),
    }
    return { environment, scratch, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
