import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { databaseRoles, urlForRole } from '@opsconductor/database'
import {
  createTestCertificates,
  type PostgresWithTools,
  postgresToolsAreMissing,
  runPostgresTool,
  startPostgresWithTools,
} from '@opsconductor/test-peers'
import { createFleet, type Fleet, type FleetServer } from '../src/certificate-fleet.ts'
import { type Call, must, signIn } from '../src/client.ts'
import { createHome, type Platform, startPlatform } from '../src/platform.ts'
import { createProject } from '../src/publish.ts'

jest.setTimeout(180_000)

const backupTest = postgresToolsAreMissing() ? test.skip : test
const portOffset = 23_500
const root = fileURLToPath(new URL('../../../', import.meta.url))

let postgres: PostgresWithTools | undefined
const platforms: Platform[] = []
let scratch: string
let fleet: Fleet | undefined
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'backup-'))
})
afterAll(async () => {
  await fleet?.close()
  for (const platform of platforms) await platform.stop()
  await postgres?.close()
  rmSync(scratch, { recursive: true, force: true })
})

async function startOn(databaseUrl: string, home = createHome()): Promise<Platform> {
  const platform = await startPlatform(portOffset, { home, environment: { DATABASE_URL: databaseUrl } })
  platforms.push(platform)
  return platform
}

function run(file: string, environment: Record<string, string>) {
  return new Promise<{ code: number | null; stderr: string }>((resolve) => {
    const options = { cwd: root, env: { PATH: process.env.PATH, ...environment }, timeout: 30_000 }
    const child = execFile(process.execPath, [file], options, (_error, _stdout, stderr) =>
      resolve({ code: child.exitCode, stderr }),
    )
  })
}

async function importCertificate(api: Call): Promise<string> {
  const { server, ca } = createTestCertificates(['shop.example.com'])
  const body = { name: 'shop', pem: server.key + server.cert + ca }
  return (await must(api<{ id: string }>('POST', '/api/certificates/import', { body }))).id
}

/** What the guide says (services/cert-agent/OPERATIONS.md), for a stack that has nothing. */
async function restore(url: string, dump: string): Promise<void> {
  const passwords = Object.values(databaseRoles).map(({ role }) => [`${role.toUpperCase()}_PASSWORD`, 'none'])
  const migrated = await run('infra/scripts/migrate.ts', {
    DATABASE_URL: url,
    ...Object.fromEntries(passwords),
  })
  expect(migrated).toEqual({ code: 0, stderr: '' })
  await runPostgresTool(
    'pg_restore',
    '--clean',
    '--if-exists',
    '--single-transaction',
    `--dbname=${url}`,
    dump,
  )
  expect(await run('infra/scripts/audit-verify.ts', { DATABASE_URL: url })).toEqual({ code: 0, stderr: '' })
}

backupTest(
  '004.14 after a restore into a fresh stack with the same keys a certificate is deployed to a server that never had it; without the keys nothing is read',
  async () => {
    const dump = join(scratch, 'opsconductor.dump')
    postgres = await startPostgresWithTools()
    const source = await startOn(await postgres.createDatabase('opsconductor'))
    const projectId = await createProject(await signIn(source), 'backup')
    const api = await signIn(source, projectId)
    fleet = await createFleet(api)
    const certificateId = await importCertificate(api)
    const old = await fleet.addServer(api, 'web-01', ['shop.example.com'], certificateId)
    const before = await fleet.untilLive(api, certificateId, 1)
    await runPostgresTool('pg_dump', '--format=custom', `--file=${dump}`, source.stack.database_url)

    const asText = await runPostgresTool('pg_restore', '--file=-', dump)
    expect(asText).toContain('COPY cert_agent.certificate_versions')
    for (const line of keyLines(old, certificateId)) expect(asText).not.toContain(line)

    const home = createHome()
    cpSync(join(source.home, 'keys'), join(home, 'keys'), { recursive: true })
    await platforms.pop()?.stop()
    // Of the same server, where the demo that each start of a stack calls has a database of its own.
    const url = await postgres.createDatabase('fresh')
    await restore(url, dump)
    expect(await startBrokerWithAnotherKey(url)).toEqual({
      code: 1,
      stderr: expect.stringMatching(/is not the key that encrypted the stored/),
    })

    const restored = await signIn(await startOn(url, home), projectId)
    const fresh = await fleet.addServer(restored, 'web-02', ['shop.example.com'], certificateId)
    const after = await fleet.untilLive(restored, certificateId, 1)
    expect(after.versions).toEqual(before.versions)
    expect(await fresh.servedSerial('shop.example.com')).toBe(before.versions[0]?.serial)
    expect(fresh.readKey(certificateId)).toBe(old.readKey(certificateId))
  },
)

const keyLines = (server: FleetServer, certificateId: string) =>
  server
    .readKey(certificateId)
    .split('\n')
    .filter((line) => line.length > 20 && !line.startsWith('---'))

async function startBrokerWithAnotherKey(databaseUrl: string) {
  const { role } = databaseRoles['secrets-broker']
  return run('services/secrets-broker/src/main.ts', {
    DATABASE_URL: urlForRole(databaseUrl, role, 'none'),
    SECRETS_KMS_KEY: 'another-key-0123456789',
    ...{ PUBLIC_PORT: '0', INTERNAL_PORT: '0', INTERNAL_KEY: 'an-internal-key-0123456789' },
  })
}
