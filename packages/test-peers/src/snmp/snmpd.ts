import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { encode, integer, octets, oid, sequence, tags } from './ber.ts'

/** The passphrases of every user below. */
export const snmpPassphrases = { auth: 'auth-pass-0123', priv: 'priv-pass-0123' } as const

/** Users of `startSnmpd`: what they are called, as snmpd's configuration and as credentials name their protocols. */
export const snmpUsers = [
  { username: 'none', level: 'noAuthNoPriv' },
  ...(['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const).map((auth_protocol) => ({
    username: `auth_${auth_protocol}`,
    level: 'authNoPriv' as const,
    auth_protocol,
  })),
  { username: 'des', level: 'authPriv', auth_protocol: 'md5', priv_protocol: 'des' },
  { username: 'aes128', level: 'authPriv', auth_protocol: 'sha', priv_protocol: 'aes128' },
  { username: 'aes192b', level: 'authPriv', auth_protocol: 'sha', priv_protocol: 'aes192b' },
  { username: 'aes192r', level: 'authPriv', auth_protocol: 'sha', priv_protocol: 'aes192r' },
  { username: 'aes256b', level: 'authPriv', auth_protocol: 'sha224', priv_protocol: 'aes256b' },
  { username: 'aes256r', level: 'authPriv', auth_protocol: 'sha', priv_protocol: 'aes256r' },
  { username: 'strong', level: 'authPriv', auth_protocol: 'sha512', priv_protocol: 'aes256b' },
] as const
type SnmpUser = {
  username: string
  level: 'noAuthNoPriv' | 'authNoPriv' | 'authPriv'
  auth_protocol?: string
  priv_protocol?: keyof typeof ciphers
}

/** snmpd's words for the ciphers; `-C` is Reeder's key extension, as Cisco has it. */
const ciphers = {
  des: 'DES',
  aes128: 'AES',
  aes192b: 'AES-192',
  aes192r: 'AES-192-C',
  aes256b: 'AES-256',
  aes256r: 'AES-256-C',
} as const

export interface Snmpd {
  port: number
  /** Ends it and starts it again on the same port, as a device that reboots: it counts its boots. */
  restart(): Promise<void>
  close(): Promise<void>
}

/**
 * Net-SNMP's agent on loopback. Community `public` reads, `private` writes; the users are in `snmpUsers`, and those of level
 * authPriv write. `moreSettings`: further lines of snmpd.conf.
 */
export async function startSnmpd(moreSettings: readonly string[] = []): Promise<Snmpd> {
  const folder = mkdtempSync(join(tmpdir(), 'snmpd-'))
  const configuration = join(folder, 'snmpd.conf')
  const port = await freeUdpPort()
  writeFileSync(configuration, settingsOf(port, moreSettings).join('\n'), { mode: 0o600 })
  // What it keeps of itself goes into a file of the same name as its configuration.
  const spawned = () => spawnSnmpd(configuration, join(folder, 'state'))
  let child = spawned()
  // Jest may end this process before anybody calls close.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  await untilReady(child, port)
  return {
    port,
    async restart() {
      await end(child, 'SIGTERM')
      child = spawned()
      await untilReady(child, port)
    },
    async close() {
      await end(child, 'SIGKILL')
      process.off('exit', kill)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const settingsOf = (port: number, more: readonly string[]): string[] => [
  `agentAddress udp:127.0.0.1:${port}`,
  'rocommunity public 127.0.0.1',
  'rwcommunity private 127.0.0.1',
  'sysServices 72',
  'sysObjectID 1.3.6.1.4.1.8072.3.2.10',
  'sysDescr A device of the tests',
  'sysName device-1',
  ...snmpUsers.flatMap((user) => settingsOfUser(user)),
  ...more,
  '',
]

function settingsOfUser({ username, level, auth_protocol, priv_protocol }: SnmpUser): string[] {
  const auth =
    auth_protocol === undefined ? '' : ` ${auth_protocol.replace(/^sha(\d)/, 'SHA-$1').toUpperCase()}`
  const priv = priv_protocol === undefined ? '' : ` ${ciphers[priv_protocol]} ${snmpPassphrases.priv}`
  const required = { noAuthNoPriv: 'noauth', authNoPriv: 'auth', authPriv: 'priv' }[level]
  return [
    `createUser ${username}${auth === '' ? '' : `${auth} ${snmpPassphrases.auth}`}${priv}`,
    `${level === 'authPriv' ? 'rwuser' : 'rouser'} ${username} ${required}`,
  ]
}

// Without -smux it would listen on port 199 of every address.
const spawnSnmpd = (configuration: string, state: string): ChildProcess =>
  spawn('/usr/sbin/snmpd', ['-f', '-C', '-I', '-smux', '-Le', '-c', configuration], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, SNMP_PERSISTENT_DIR: state, MIBS: '', MIBDIRS: '/nonexistent' },
  })

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  const heard: string[] = []
  createInterface({ input: child.stderr as Readable }).on('line', (line) => {
    if (heard.length < 20) heard.push(line)
  })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`snmpd ended with ${code}: ${heard.join('\n')}`)))
    untilAnswered(port).then(resolve, reject)
  })
}

/** Asks for sysUpTime again and again: what snmpd says about itself comes before it listens. */
async function untilAnswered(port: number): Promise<void> {
  const uptime = sequence(oid('1.3.6.1.2.1.1.3.0'), encode(tags.null))
  const pdu = encode(tags.get, integer(1), integer(0), integer(0), sequence(uptime))
  const request = sequence(integer(1), octets('public'), pdu)
  const socket = createSocket('udp4')
  // As long as nobody listens, each datagram sent makes an error.
  socket.on('error', () => {})
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const timer = setInterval(() => socket.send(request, () => {}), 20)
  try {
    await new Promise((resolve) => socket.once('message', resolve))
  } finally {
    clearInterval(timer)
    socket.close()
  }
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
