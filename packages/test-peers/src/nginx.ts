import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

export interface NginxVhost {
  names: readonly string[]
  /** Paths; a certificate of nobody's own making where they are left out. */
  certificate?: string
  key?: string
}

export interface NginxOptions {
  /** It makes a folder of its own in here, and runs as whoever this belongs to, as an account that logs in by SSH. */
  directory: string
  vhosts: readonly NginxVhost[]
}

export type NginxPeer = Awaited<ReturnType<typeof startNginx>>

/**
 * A real NGINX on a free port of loopback, with a configuration of its own: one file for each virtual host in `sites`. `binary` is
 * what manages it, the program itself behind a few faults that can be switched on.
 */
export async function startNginx({ directory, vhosts }: NginxOptions) {
  const { uid, gid } = statSync(directory)
  const port = await freePort()
  const prefix = join(directory, `nginx-${port}`)
  const [sites, faults] = [join(prefix, 'sites'), join(prefix, 'faults')]
  const own = (path: string) => {
    if (process.getuid?.() === 0) chownSync(path, uid, gid)
  }
  for (const folder of [prefix, sites, faults, join(prefix, 'certificates'), join(prefix, 'temporary')]) {
    mkdirSync(folder)
    own(folder)
  }
  const write = (path: string, text: string, mode = 0o644) => {
    writeFileSync(path, text, { mode })
    own(path)
  }
  const nobody = { certificate: join(prefix, 'nobody.pem'), key: join(prefix, 'nobody.key') }
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=nobody', '-keyout', nobody.key, '-out', nobody.certificate],
    ],
    { stdio: 'ignore' },
  )
  own(nobody.key)
  own(nobody.certificate)
  const site = ({ names, certificate, key }: NginxVhost) =>
    [
      'server {',
      `  listen 127.0.0.1:${port} ssl;`,
      `  server_name ${names.join(' ')};`,
      `  ssl_certificate ${certificate ?? nobody.certificate};`,
      `  ssl_certificate_key ${key ?? nobody.key};`,
      `  return 200 "${names[0]}\\n";`,
      '}',
      '',
    ].join('\n')
  const siteFile = (name: string | undefined) => join(sites, `${name}.conf`)
  const setSite = (vhost: NginxVhost) => write(siteFile(vhost.names[0]), site(vhost))
  for (const vhost of vhosts) setSite(vhost)
  const config = join(prefix, 'nginx.conf')
  write(config, configText(prefix))
  const binary = join(prefix, 'nginx')
  write(binary, wrapperText(faults), 0o755)

  const as = process.getuid?.() === 0 ? { uid, gid } : {}
  const nginx = (...words: string[]) =>
    spawnSync(program(), ['-c', config, '-e', join(prefix, 'error.log'), ...words], {
      encoding: 'utf8',
      ...as,
    })
  const child = spawn(program(), ['-c', config, '-e', join(prefix, 'error.log'), '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...as,
  })
  const heard: string[] = []
  child.stderr.on('data', (chunk) => heard.push(String(chunk)))
  // To the master, which ends its workers; its own death would leave them.
  const stop = () => void child.kill('SIGTERM')
  process.once('exit', stop)
  while (!existsSync(join(prefix, 'nginx.pid')) || (await served(port, vhosts[0]?.names[0])) === undefined) {
    if (child.exitCode !== null) throw new Error(`nginx did not start: ${heard.join('')}`)
    await delay(20)
  }
  return {
    host: '127.0.0.1',
    port,
    /** With `configFile`, for whoever manages it. */
    binary,
    configFile: config,
    /** Where virtual hosts are configured, one file each. */
    sites,
    siteFile,
    /** An empty folder for certificates. */
    certificates: join(prefix, 'certificates'),
    /** The configuration of a virtual host, as `setSite` writes it. */
    site,
    setSite,
    removeSite: (name: string) => rmSync(siteFile(name)),
    /** Somebody else's mistake. */
    breakConfig: () => write(join(sites, 'broken.conf'), 'server { listen nowhere at all; }\n'),
    repairConfig: () => rmSync(join(sites, 'broken.conf'), { force: true }),
    /** `reload-fails`: with an error; `reload-ignored`: says that it did, and did not. */
    setFault(fault: 'reload-fails' | 'reload-ignored', isOn: boolean) {
      if (isOn) write(join(faults, fault), '')
      else rmSync(join(faults, fault), { force: true })
    },
    reload() {
      const { status, stderr } = nginx('-s', 'reload')
      if (status !== 0) throw new Error(`nginx could not be reloaded: ${stderr}`)
    },
    /** Once the workers of the configuration before are gone, or take no more connections: what is served then is what it serves. */
    async settled() {
      while ((await workersOf(child.pid as number)) !== workers) await delay(20)
    },
    /** The serial that a virtual host is served with, in lower-case hexadecimal; undefined where the handshake fails. */
    served: (name: string) => served(port, name),
    /** What it answers a client of the virtual host. */
    answerOf: (name: string) => answerOf(port, name),
    async close() {
      process.off('exit', stop)
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      // A command that a test left may be at work there still.
      rmSync(prefix, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function program(): string {
  const found = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/opt/homebrew/bin/nginx'].find((path) =>
    existsSync(path),
  )
  if (found === undefined) throw new Error('There is no nginx: install nginx.')
  return found
}

const workers = 2

/** Those that take connections. */
async function workersOf(master: number): Promise<number> {
  // Without blocking those who watch what is served meanwhile.
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '--ppid', String(master)])
  return stdout.split('\n').filter((line) => /worker process$/.test(line.trim())).length
}

const configText = (prefix: string) =>
  [
    `pid ${prefix}/nginx.pid;`,
    `error_log ${prefix}/error.log notice;`,
    `worker_processes ${workers};`,
    'events { worker_connections 256; }',
    'http {',
    '  access_log off;',
    ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `  ${kind}_temp_path ${prefix}/temporary/${kind};`,
    ),
    `  include ${prefix}/sites/*.conf;`,
    '}',
    '',
  ].join('\n')

const wrapperText = (faults: string) =>
  [
    '#!/bin/sh',
    'case "$*" in *"-s reload"*)',
    `  if [ -e '${faults}/reload-fails' ]; then echo 'nginx: [error] invalid PID number "" in "nginx.pid"' >&2; exit 1; fi`,
    `  if [ -e '${faults}/reload-ignored' ]; then exit 0; fi`,
    'esac',
    `exec ${program()} "$@"`,
    '',
  ].join('\n')

const handshakeMsMax = 5_000

function answerOf(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const at = { host: '127.0.0.1', port, servername, rejectUnauthorized: false, agent: false } as const
    get({ ...at, headers: { host: servername } }, (answer) => text(answer).then(resolve, reject)).on(
      'error',
      reject,
    )
  })
}

function served(port: number, servername: string | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      ...{ host: '127.0.0.1', port, rejectUnauthorized: false, timeout: handshakeMsMax },
      ...(servername === undefined ? {} : { servername }),
    })
    const end = (serial: string | undefined) => {
      socket.destroy()
      resolve(serial)
    }
    socket.once('secureConnect', () => end(socket.getPeerCertificate().serialNumber?.toLowerCase()))
    socket.once('error', () => end(undefined))
    socket.once('timeout', () => end(undefined))
  })
}
