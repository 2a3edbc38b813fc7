import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { requirePeer } from './peer.ts'
import { untilSays } from './until-says.ts'

const binaries = () => requirePeer('TEST_POSTGRES_BIN', 'PostgreSQL with its client tools')

/** Whether `npm test` could not have them on this machine and said so; never in CI, where that is a failure. */
export const postgresToolsAreMissing = (): boolean => binaries() === 'none'

export interface PostgresWithTools {
  /** Makes an empty database; answers the superuser's URL of it. */
  createDatabase(name: string): Promise<string>
  close(): Promise<void>
}

/**
 * A new PostgreSQL server of the machine's own installation, with no roles but its superuser: for tests of pg_dump and
 * pg_restore, which must be of the server's version and do not come with the embedded one.
 */
export async function startPostgresWithTools(): Promise<PostgresWithTools> {
  const scratch = mkdtempSync(join(tmpdir(), 'postgres-with-tools-'))
  const password = randomBytes(16).toString('hex')
  const data = join(scratch, 'data')
  const as = ownerOf()
  initialise(scratch, data, password, as)
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', `port=${port}`]
  const child = spawn(
    join(binaries(), 'postgres'),
    ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
    {
      ...as,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
    },
  )
  // Jest may end this process before anybody calls close.
  const kill = () => child.kill('SIGQUIT')
  process.once('exit', kill)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await untilSays(child, 'PostgreSQL', 'ready to accept connections')
  const urlOf = (name: string) => `postgresql://postgres:${password}@127.0.0.1:${port}/${name}`
  return {
    async createDatabase(name) {
      const client = new pg.Client({ connectionString: urlOf('postgres') })
      await client.connect()
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
      await client.end()
      return urlOf(name)
    },
    async close() {
      kill()
      await ended
      process.off('exit', kill)
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

/** Runs one of PostgreSQL's tools to its end; answers what it wrote to standard output, or throws with what it said. */
export function runPostgresTool(tool: 'pg_dump' | 'pg_restore', ...arguments_: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(binaries(), tool), arguments_, { stdio: ['ignore', 'pipe', 'pipe'] })
    const streams = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text) => {
        streams[name] += text
      })
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0
        ? resolve(streams.stdout)
        : reject(new Error(`${tool} ended with ${code}: ${streams.stderr}`)),
    )
  })
}

interface RunAs {
  uid?: number
  gid?: number
}

/** PostgreSQL refuses to run as root. */
function ownerOf(): RunAs {
  if (process.getuid?.() !== 0) return {}
  const idOf = (option: string) => Number(spawnSync('id', [option, 'nobody'], { encoding: 'utf8' }).stdout)
  return { uid: idOf('-u'), gid: idOf('-g') }
}

function initialise(scratch: string, data: string, password: string, as: RunAs): void {
  const passwordFile = join(scratch, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  mkdirSync(data, { mode: 0o700 })
  for (const path of [scratch, passwordFile, data])
    if (as.uid !== undefined && as.gid !== undefined) chownSync(path, as.uid, as.gid)
  const { status, stderr, error } = spawnSync(
    join(binaries(), 'initdb'),
    [
      ...['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
      ...['-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
    ],
    { ...as, cwd: '/', encoding: 'utf8', timeout: 60_000 },
  )
  if (status !== 0) throw new Error(`initdb failed: ${error?.message ?? stderr}`)
}
