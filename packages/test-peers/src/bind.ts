import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { untilSays } from './until-says.ts'

const algorithms = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const
type Algorithm = (typeof algorithms)[number]

export interface BindKey {
  name: string
  algorithm: Algorithm
  /** Base64. */
  secret: string
}

export interface BindPeer {
  port: number
  /** As resolvers are configured. */
  address: string
  /** Each may change TXT records of both zones. */
  keys: Record<Algorithm, BindKey>
  /** Known, and may change nothing. */
  strangerKey: BindKey
  close(): Promise<void>
}

const newKey = (name: string, algorithm: Algorithm): BindKey => ({
  ...{ name, algorithm },
  secret: randomBytes(32).toString('base64'),
})

/**
 * A real name server (BIND) on loopback. It is primary for `zone.test`, which takes updates, with `inner.zone.test` as a
 * zone of its own, and for `alias.test`. `records`: lines of `zone.test`, as `_acme-challenge.a CNAME a.alias.test.`
 */
export async function startBind(records: readonly string[] = []): Promise<BindPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'bind-'))
  const port = await freePort()
  const keys = Object.fromEntries(
    algorithms.map((one) => [one, newKey(`key-${one}.zone.test`, one)]),
  ) as BindPeer['keys']
  const strangerKey = newKey('stranger', 'hmac-sha256')
  const zones = {
    'zone.test': ['ns A 127.0.0.1', 'inner NS ns.zone.test.', ...records],
    'inner.zone.test': [],
    'alias.test': [],
  }
  for (const [zone, lines] of Object.entries(zones)) writeFileSync(join(folder, zone), zoneFile(lines))
  const configuration = join(folder, 'named.conf')
  writeFileSync(
    configuration,
    settings(folder, port, [...Object.values(keys), strangerKey], Object.keys(zones)),
    {
      mode: 0o600,
    },
  )
  const child = spawn('/usr/sbin/named', ['-g', '-4', '-n', '1', '-X', 'none', '-c', configuration], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  // Jest may end this process before anybody calls close.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await untilSays(child, 'named', 'all zones loaded')
  return {
    ...{ port, keys, strangerKey },
    address: `127.0.0.1:${port}`,
    async close() {
      kill()
      await ended
      process.off('exit', kill)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const zoneFile = (lines: readonly string[]): string =>
  ['$TTL 60', '@ SOA ns.zone.test. admin.zone.test. 1 60 60 600 60', '@ NS ns.zone.test.', ...lines, ''].join(
    '\n',
  )

function settings(folder: string, port: number, keys: readonly BindKey[], zones: readonly string[]): string {
  const keyNames = keys.slice(0, algorithms.length).map(({ name }) => `grant "${name}" zonesub TXT;`)
  return [
    `options { directory "${folder}"; pid-file none; session-keyfile "${folder}/session.key";`,
    `  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };`,
    '  recursion no; dnssec-validation no; notify no; allow-transfer { none; }; };',
    'controls { };',
    ...keys.map(
      ({ name, algorithm, secret }) => `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };`,
    ),
    ...zones.map(
      (zone) => `zone "${zone}" { type primary; file "${zone}"; update-policy { ${keyNames.join(' ')} }; };`,
    ),
    '',
  ].join('\n')
}
