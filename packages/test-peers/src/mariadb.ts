import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { requirePeer } from './peer.ts'
import type { TestCertificates } from './test-certificates.ts'
import { untilSays } from './until-says.ts'

const server = () => requirePeer('TEST_MARIADB', 'MariaDB')

/** Whether `npm test` could not have it on this machine and said so; never in CI, where that is a failure. */
export const mariadbIsMissing = (): boolean => server() === 'none'

export interface MariaDb {
  port: number
  /** Of user `tester`, who may do everything, over the password of `urlOf`. */
  urlOf(database: string): string
  close(): Promise<void>
}

/** A new MariaDB server on loopback with a database `test`; with certificates it takes TLS, and users may need to show one. */
export async function startMariaDb(certificates?: TestCertificates): Promise<MariaDb> {
  const scratch = mkdtempSync(join(tmpdir(), 'mariadb-'))
  const data = join(scratch, 'data')
  mkdirSync(data, { mode: 0o700 })
  const user = userInfo().username
  initialise(scratch, data, user)
  const port = await freePort()
  const child = spawn(
    server(),
    [
      ...[
        '--no-defaults',
        `--datadir=${data}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        `--user=${user}`,
      ],
      ...[`--socket=${join(scratch, 'socket')}`, `--pid-file=${join(scratch, 'pid')}`, `--tmpdir=${scratch}`],
      ...['--skip-log-bin', '--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=16M'],
      ...['--performance-schema=OFF', '--skip-name-resolve', `--init-file=${join(scratch, 'init.sql')}`],
      ...tlsOptions(scratch, certificates),
    ],
    { cwd: scratch, stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } },
  )
  // Jest may end this process before anybody calls close.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await untilSays(child, 'MariaDB', 'ready for connections')
  return {
    port,
    urlOf: (database) => `mysql://tester:tester-password@127.0.0.1:${port}/${database}`,
    async close() {
      kill()
      await ended
      process.off('exit', kill)
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

function initialise(scratch: string, data: string, user: string): void {
  writeFileSync(
    join(scratch, 'init.sql'),
    [
      'CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4;',
      "CREATE OR REPLACE USER tester@'%' IDENTIFIED BY 'tester-password';",
      "GRANT ALL ON *.* TO tester@'%' WITH GRANT OPTION;",
    ].join('\n'),
  )
  const { status, stderr, error } = spawnSync(
    server().replace(/[^/]*$/, '../bin/mariadb-install-db'),
    [
      ...['--no-defaults', `--datadir=${data}`, `--user=${user}`, '--skip-test-db', '--skip-name-resolve'],
      ...['--auth-root-authentication-method=normal', '--innodb-log-file-size=8M'],
    ],
    { cwd: scratch, encoding: 'utf8', timeout: 60_000 },
  )
  if (status !== 0) throw new Error(`mariadb-install-db failed: ${error?.message ?? stderr}`)
}

function tlsOptions(scratch: string, certificates: TestCertificates | undefined): string[] {
  if (certificates === undefined) return []
  const write = (name: string, text: string) => {
    writeFileSync(join(scratch, name), text, { mode: 0o600 })
    return join(scratch, name)
  }
  return [
    `--ssl-ca=${write('ca.pem', certificates.ca)}`,
    `--ssl-cert=${write('server.pem', certificates.server.cert)}`,
    `--ssl-key=${write('server.key', certificates.server.key)}`,
  ]
}
