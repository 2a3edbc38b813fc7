import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.ts'
import { createSshKey, type TestSshKey } from './ssh-keys.ts'

export interface SshdOptions {
  /** Lines of sshd_config, put before the peer's own; sshd takes the first it finds. */
  config?: readonly string[]
  hostKeys?: readonly TestSshKey[]
  /** One line each, as in a -cert.pub file; of a host key of this server. */
  hostCertificates?: readonly string[]
  /** Who signs users' certificates that are taken. */
  userAuthority?: TestSshKey
  /** More that may log in: lines of authorized_keys. */
  authorizedKeys?: readonly string[]
  /** Programs that commands find before all others, by name: the text of a script. */
  programs?: Readonly<Record<string, string>>
  /** Where it listens; by default a free port. */
  port?: number
}

/** Where users other than who runs the tests can be had: an account of its own that only this server sees. */
const hasOwnAccounts = process.getuid?.() === 0 && canUnshare()
const account = { name: 'deploy', id: 20_022, password: 'open sesame 22' }

export type SshdPeer = Awaited<ReturnType<typeof startSshd>>

/**
 * A real OpenSSH server on loopback. As root it serves an account of its own, `deploy`, with a password, that is in no
 * file of this machine; elsewhere whoever runs the tests, with keys only: `password` is undefined then.
 */
export async function startSshd(options: SshdOptions = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'sshd-'))
  chmodSync(directory, 0o755)
  const clientKey = createSshKey()
  const hostKeys = options.hostKeys ?? [createSshKey()]
  const home = prepareHome(directory, [clientKey.publicKey, ...(options.authorizedKeys ?? [])])
  const username = hasOwnAccounts ? account.name : userInfo().username
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    writeFileSync(join(directory, 'sshd_config'), configText(directory, { ...options, hostKeys, port }))
    const child = startServer(directory)
    const failure = await listening(child)
    if (failure === undefined) return peerOf(child, { directory, home, port, username, clientKey, hostKeys })
    if (attempt === 5 || options.port !== undefined || !failure.includes('Address already in use')) {
      rmSync(directory, { recursive: true })
      throw new Error(`sshd did not start: ${failure}`)
    }
  }
}

function peerOf(
  child: ChildProcess,
  of: {
    directory: string
    home: string
    port: number
    username: string
    clientKey: TestSshKey
    hostKeys: readonly TestSshKey[]
  },
) {
  const killAll = () => {
    for (const pid of descendantsOf(child.pid as number)) kill(pid)
    child.kill('SIGKILL')
  }
  const stop = () => {
    killAll()
    rmSync(of.directory, { recursive: true, force: true })
  }
  // Jest may end this process before anybody calls close.
  process.once('exit', stop)
  const [hostKey] = of.hostKeys as readonly [TestSshKey]
  return {
    host: '127.0.0.1',
    port: of.port,
    username: of.username,
    password: hasOwnAccounts ? account.password : undefined,
    /** A folder of the user's own, in which SFTP begins; commands begin there only as root. */
    home: of.home,
    /** Opens the account. */
    clientKey: of.clientKey,
    hostKey,
    /** Breaks every connection and what runs in it; the server stays. */
    breakConnections() {
      for (const pid of descendantsOf(child.pid as number)) kill(pid)
    },
    /** How many are open. */
    connections: () => processes().filter(({ parent }) => parent === child.pid).length,
    /** The processes that serve connections, and what runs in them. */
    descendants: () => descendantsOf(child.pid as number),
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      const isRunning = child.exitCode === null && child.signalCode === null
      killAll()
      process.off('exit', stop)
      if (isRunning) await ended
      rmSync(of.directory, { recursive: true, force: true })
    },
  }
}

function prepareHome(directory: string, authorizedKeys: readonly string[]): string {
  const home = join(directory, 'home')
  mkdirSync(home)
  writeFileSync(join(directory, 'authorized_keys'), `${authorizedKeys.join('\n')}\n`)
  if (!hasOwnAccounts) return home
  chownSync(home, account.id, account.id)
  for (const file of ['passwd', 'shadow', 'group']) cpSync(`/etc/${file}`, join(directory, file))
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], {
    input: account.password,
    encoding: 'utf8',
  })
  const { name, id } = account
  append(join(directory, 'passwd'), `${name}:x:${id}:${id}::${home}:/bin/sh`)
  append(join(directory, 'shadow'), `${name}:${hash.trim()}:19000:0:99999:7:::`)
  writeFileSync(join(directory, 'pam'), `${pamStack.join('\n')}\n`)
  append(join(directory, 'group'), `${name}:x:${id}:`)
  return home
}

/** Debian's own waits two seconds after a wrong password. */
const pamStack = [
  'auth required pam_unix.so nodelay',
  'account required pam_unix.so',
  'session required pam_permit.so',
]

const append = (file: string, line: string) =>
  writeFileSync(file, `${readFileSync(file, 'utf8').trimEnd()}\n${line}\n`)

function configText(
  directory: string,
  { config = [], hostKeys = [], hostCertificates = [], userAuthority, programs = {}, port }: SshdOptions,
): string {
  const put = (name: string, text: string, mode: number) => {
    const file = join(directory, name)
    writeFileSync(file, text.endsWith('\n') ? text : `${text}\n`, { mode })
    return file
  }
  const folder = join(directory, 'programs')
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(programs)) put(join('programs', name), text, 0o755)
  return [
    ...config,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...hostKeys.map(({ privateKey }, i) => `HostKey ${put(`host_key_${i}`, privateKey, 0o600)}`),
    ...hostCertificates.map((line, i) => `HostCertificate ${put(`host_cert_${i}.pub`, line, 0o644)}`),
    ...(userAuthority === undefined
      ? []
      : [`TrustedUserCAKeys ${put('user_ca.pub', userAuthority.publicKey, 0o644)}`]),
    `AuthorizedKeysFile ${join(directory, 'authorized_keys')}`,
    `SetEnv PATH=${folder}:/usr/local/bin:/usr/bin:/bin`,
    `UsePAM ${hasOwnAccounts ? 'yes' : 'no'}`,
    'PidFile none',
    'StrictModes no',
    'PasswordAuthentication yes',
    'KbdInteractiveAuthentication no',
    'MaxStartups 100',
    'MaxAuthTries 3',
    `Subsystem sftp internal-sftp -d ${join(directory, 'home')}`,
    'PrintMotd no',
    'LogLevel VERBOSE',
    '',
  ].join('\n')
}

function startServer(directory: string): ChildProcess {
  const sshd = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/opt/homebrew/sbin/sshd'].find((path) =>
    existsSync(path),
  )
  if (sshd === undefined) throw new Error('There is no sshd: install openssh-server.')
  const command = [sshd, '-D', '-e', '-f', join(directory, 'sshd_config')]
  const stdio = ['ignore', 'ignore', 'pipe'] as const
  if (!hasOwnAccounts) return spawn(sshd, command.slice(1), { stdio: [...stdio] })
  if (!existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 })
  const files = { passwd: 'passwd', shadow: 'shadow', group: 'group', pam: 'pam.d/sshd' }
  const mounts = Object.entries(files).map(([own, file]) => `mount --bind ${directory}/${own} /etc/${file}`)
  const script = [...mounts, 'exec "$@"'].join(' && ')
  return spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', ...command], { stdio: [...stdio] })
}

/** Why it ended before it listened; undefined where it listens. */
function listening(child: ChildProcess): Promise<string | undefined> {
  const heard: string[] = []
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream })
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      heard.push(line)
      if (line.includes('Server listening')) resolve(undefined)
      if (heard.length > 100) heard.shift()
    })
    child.once('error', (error) => resolve(error.message))
    child.once('exit', () => resolve(heard.join('\n')))
  })
}

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function descendantsOf(pid: number): number[] {
  const all = processes()
  const below = (of: number): number[] =>
    all.filter(({ parent }) => parent === of).flatMap((child) => [child.pid, ...below(child.pid)])
  return below(pid)
}

function processes(): { pid: number; parent: number }[] {
  const table = execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  return table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0]) => ({ pid, parent }))
}

/** Whether the process runs; one that has ended and that nobody has asked for its end does not. */
export function isRunning(pid: number): boolean {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return status === 0 && !stdout.trim().startsWith('Z')
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}
