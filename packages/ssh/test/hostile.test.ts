import { connect, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, expect, test } from '@jest/globals'
import { createSshKey } from '@opsconductor/test-peers'
import ssh2, { type Connection, type ServerChannel, type Session } from 'ssh2'
import { type ConnectSsh, connectSsh, download, remoteCommand, runCommand, upload } from '../src/index.ts'
import { faultOf, known } from './support.ts'

const hostKey = createSshKey()
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listen(server: {
  listen(port: number, host: string, done: () => void): unknown
  address(): unknown
}) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

/** A server that does this with every connection. */
async function rawServer(talk: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}))
    talk(socket)
  })
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return listen(server)
}

/** An SSH server of our own, which takes every login and then does this. */
async function sshServer(talk: (client: Connection) => void): Promise<number> {
  const server = new ssh2.Server({ hostKeys: [hostKey.privateKey] }, (client) => {
    client.on('error', () => {})
    client.on('authentication', (login) =>
      login.method === 'password' ? login.accept() : login.reject(['password']),
    )
    client.on('ready', () => talk(client))
  })
  closing.push(() => server.close())
  return listen(server)
}

const enter = (port: number, more: Partial<ConnectSsh> = {}) => {
  const sockets: Duplex[] = []
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  return connectSsh({
    async openSocket() {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      return socket
    },
    ...{ host: 'hostile', port: 22, login: { username: 'u', password: 'secret password' } },
    ...{ knownHostKeys: [known(hostKey)], signal: AbortSignal.timeout(20_000) },
    ...more,
  })
}
const soon = () => AbortSignal.timeout(300)
const withSession = (talk: (session: Session) => void) =>
  sshServer((client) => client.on('session', (accept) => talk(accept())))

test.each<[string, (socket: Socket) => void]>([
  ['says nothing', () => {}],
  ['says who it is and nothing more', (socket) => socket.write('SSH-2.0-tarpit\r\n')],
  [
    'greets without an end',
    (socket) => {
      const more = setInterval(() => socket.write('welcome\r\n'), 20)
      socket.on('close', () => clearInterval(more))
    },
  ],
])('a server that %s is left when its time is up, or when the step ends', async (_, talk) => {
  const port = await rawServer(talk)
  expect(await faultOf(enter(port, { readyMsMax: 300 }))).toBe(
    'step_timeout: The SSH server did not answer in time.',
  )
  const stop = new AbortController()
  setTimeout(() => stop.abort(Object.assign(new Error('enough'), { code: 'stopped' })), 200)
  expect(await faultOf(enter(port, { signal: stop.signal }))).toBe('stopped: enough')
})

test.each<[string, (socket: Socket) => void]>([
  ['speaks HTTP', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['sends a huge greeting', (socket) => socket.write('x'.repeat(100_000))],
  ['sends a million lines', (socket) => socket.write('x\r\n'.repeat(1_000_000))],
  ['speaks SSH 1', (socket) => socket.write('SSH-1.5-old\r\n')],
  [
    'sends noise',
    (socket) => socket.write(Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.alloc(4_000, 0xff)])),
  ],
  [
    'claims a huge packet',
    (socket) => socket.write(Buffer.from('SSH-2.0-x\r\n\x7f\xff\xff\xff\x04', 'latin1')),
  ],
  ['closes at once', (socket) => socket.end()],
  ['resets', (socket) => socket.resetAndDestroy()],
])('a server that %s is an error, quoting nothing of it', async (_, talk) => {
  const fault = await faultOf(enter(await rawServer(talk), { readyMsMax: 2_000 }))
  expect(fault).toMatch(
    /^(target_unreachable|step_timeout): The (target could not be reached|SSH server did not answer)/,
  )
  expect(fault).not.toMatch(/xxx|HTTP|secret/)
})

test('a server that hangs after the login does not hold a step: no session, no tunnel, no file', async () => {
  const port = await sshServer((client) => client.on('session', () => {}).on('tcpip', () => {}))
  const connection = await enter(port)
  const run = { command: 'true', outputBytesMax: 10, signal: soon() }
  expect(await faultOf(runCommand(connection, run))).toMatch(/timeout/)
  expect(await faultOf(connection.forward('127.0.0.1', 1, soon()))).toMatch(/timeout/)
  const file = { path: 'x', content: [Buffer.from('x')], signal: soon() }
  expect(await faultOf(upload(connection, file))).toMatch(/timeout/)
  connection.close()
})

test('a command that never says anything is ended with the step, and its hung connection closed', async () => {
  const port = await withSession((session) => session.on('exec', (accept) => void accept()))
  const connection = await enter(port)
  for (const command of ['hang', remoteCommand(['hang'])]) {
    const startedAt = performance.now()
    expect(await faultOf(runCommand(connection, { command, outputBytesMax: 10, signal: soon() }))).toMatch(
      /timeout/,
    )
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  }
  connection.close()
})

const output = (write: (channel: ServerChannel) => void) =>
  withSession((session) => session.on('exec', (accept) => write(accept())))

test('output without an end is stopped, and what came is not kept', async () => {
  const port = await output((channel) => {
    const chunk = Buffer.alloc(1_048_576, 'x')
    const more = () => {
      while (channel.writable && channel.write(chunk)) {}
    }
    channel.on('drain', more).on('error', () => {})
    more()
  })
  const connection = await enter(port)
  const run = { command: 'yes', outputBytesMax: 1_000, signal: AbortSignal.timeout(20_000) }
  expect(await faultOf(runCommand(connection, run))).toBe(
    'target_answer_too_large: The command wrote more than 64 MB and was stopped.',
  )
  connection.close()
})

test('a server that ends a command without saying how is an outage, one that lies about a start a failure', async () => {
  const silent = await enter(await output((channel) => channel.close()))
  expect(await faultOf(runCommand(silent, { command: 'x', outputBytesMax: 10, signal: soon() }))).toMatch(
    /^target_unreachable/,
  )
  const chatty = await enter(
    await output((channel) => {
      channel.stderr.write('x'.repeat(200_000))
    }),
  )
  const run = { command: remoteCommand(['x']), outputBytesMax: 10, signal: AbortSignal.timeout(5_000) }
  expect(await faultOf(runCommand(chatty, run))).toMatch(/^target_refused: The login shell writes too much/)
  const asking = await enter(
    await output((channel) => {
      channel.stderr.write('[sudo] password for u: ')
      channel.exit(1)
      channel.end()
    }),
  )
  const under = { ...run, sudo: { password: 'secret password' } }
  expect(await faultOf(runCommand(asking, under))).toMatch(/^step_failed: sudo did not let/)
  for (const connection of [silent, chatty, asking]) connection.close()
})

test('an SFTP server that answers noise, or refuses, is an error', async () => {
  const noisy = await enter(
    await withSession((session) =>
      session.on(
        'subsystem' as 'sftp',
        ((accept: () => ServerChannel) => {
          accept().write(Buffer.alloc(64, 0xff))
        }) as never,
      ),
    ),
  )
  const refusing = await enter(await withSession(() => {}))
  for (const connection of [noisy, refusing]) {
    const fault = await faultOf(
      download(connection, { path: 'x', bytesMax: 10, signal: AbortSignal.timeout(2_000) }, async () => {}),
    )
    expect(fault).toMatch(/^(target_unreachable|target_refused|step_failed|23): /)
    connection.close()
  }
})
