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

test('a server that has something to say before it asks for the password gets it all the same, once', async () => {
  const asked: string[][] = []
  const server = new ssh2.Server({ hostKeys: [hostKey.privateKey] }, (client) => {
    client.on('error', () => {})
    client.on('authentication', (login) => {
      if (login.method !== 'keyboard-interactive') {
        login.reject(['keyboard-interactive'])
        return
      }
      const ask = (prompts: ssh2.Prompt[], next: () => void) =>
        login.prompt(prompts, (answers) => {
          asked.push(answers)
          next()
        })
      const password = [{ prompt: 'Password: ', echo: false }]
      ask([], () => ask(password, () => ask(password, () => login.accept())))
    })
  })
  closing.push(() => server.close())
  const connection = await enter(await listen(server))
  expect(asked).toEqual([[], ['secret password'], ['']])
  connection.close()
})

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

test('a command that never says anything is ended with the step', async () => {
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

test('a server that is slow to kill a command does not cost others the connection that they share', async () => {
  const port = await withSession((session) =>
    session.on('exec', (accept, _, { command }) => {
      const channel = accept()
      const [mark] = /opsconductor-\w+-runs/.exec(command) ?? []
      if (mark !== undefined) channel.stderr.write(`${mark} 42\n`)
    }),
  )
  const connection = await enter(port)
  const run = { command: remoteCommand(['x']), outputBytesMax: 10, signal: soon() }
  expect(await faultOf(runCommand(connection, run))).toMatch(/timeout/)
  expect(connection.isOpen()).toBe(true)
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

const sftpServer = (talk: (channel: ServerChannel) => void) =>
  withSession((session) =>
    session.on('subsystem' as 'sftp', ((accept: () => ServerChannel) => talk(accept())) as never),
  )
const version = Buffer.from([0, 0, 0, 5, 2, 0, 0, 0, 3])
const unknownPacket = Buffer.from([0, 0, 0, 5, 0xff, 0, 0, 0, 3])

test.each<[string, () => Promise<number>, RegExp, boolean]>([
  [
    'noise',
    () => sftpServer((channel) => channel.write(Buffer.alloc(64, 0xff))),
    /^target_unreachable/,
    false,
  ],
  [
    'a wrong greeting',
    () => sftpServer((channel) => channel.write(unknownPacket)),
    /^target_refused: The SSH server does not offer/,
    true,
  ],
  ['that there is none', () => withSession(() => {}), /^target_refused: The SSH server does not offer/, true],
  [
    'nonsense behind its greeting',
    () => sftpServer((channel) => channel.write(Buffer.concat([version, unknownPacket]))),
    /^target_failed: The server ended the SFTP session/,
    true,
  ],
  [
    'its greeting and ends',
    () => sftpServer((channel) => channel.end(version)),
    /^target_failed: The server ended the SFTP session/,
    true,
  ],
])('an SFTP server that answers %s is an error at once', async (_, start, fault, staysOpen) => {
  const connection = await enter(await start())
  const file = { path: 'x', bytesMax: 10, signal: AbortSignal.timeout(5_000) }
  expect(await faultOf(download(connection, file, async () => {}))).toMatch(fault)
  expect(connection.isOpen()).toBe(staysOpen)
  connection.close()
})

test('an SFTP session that ends while content is waited for ends the upload', async () => {
  const port = await withSession((session) =>
    session.on('sftp', (accept) => {
      const sftp = accept()
      sftp
        .on('STAT', (id) => sftp.status(id, 2))
        .on('OPEN', (id) => sftp.handle(id, Buffer.alloc(1)))
        .on('WRITE', (id) => {
          sftp.status(id, 0)
          sftp.end()
        })
    }),
  )
  const connection = await enter(port)
  async function* content() {
    yield Buffer.from('x')
    // Servers answer in order: this one has ended the first session when it opens another.
    const { sftp } = await connection.sftp(AbortSignal.timeout(5_000))
    sftp.end()
    yield Buffer.from('y')
  }
  const file = { path: 'x', content: content(), signal: AbortSignal.timeout(5_000) }
  expect(await faultOf(upload(connection, file))).toMatch(/^target_(failed|unreachable): /)
  connection.close()
})
