import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type SshdPeer, startSshd } from '@opsconductor/test-peers'
import { createSshPool, type OpenConnection, runCommand, type SshConnection } from '../src/index.ts'
import { connectTo, faultOf, never, until } from './support.ts'

let sshd: SshdPeer
let narrow: SshdPeer
beforeAll(async () => {
  sshd = await startSshd()
  narrow = await startSshd({ config: ['MaxSessions 3'] })
})
afterAll(async () => {
  await sshd?.close()
  await narrow?.close()
})

function opener(server: SshdPeer) {
  const opened: SshConnection[] = []
  const open: OpenConnection = async (signal) => {
    const connection = await connectTo(server, { signal })
    opened.push(connection)
    return connection
  }
  return { open, opened }
}
const echo = (text: string) => (connection: SshConnection) =>
  runCommand(connection, { command: `echo ${text}; sleep 0.2`, outputBytesMax: 100, signal: never })

test('000.38 twenty commands at once share connections, as many to each as a server allows by default', async () => {
  const pool = createSshPool()
  const { open, opened } = opener(sshd)
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) => pool.use('a', open, never, echo(`n${i}`))),
  )
  expect(results.map(({ stdout }) => stdout.toString())).toEqual(
    Array.from({ length: 20 }, (_, i) => `n${i}\n`),
  )
  const shared = opened.length
  expect([2, 3]).toContain(shared)
  await pool.use('a', open, never, echo('again'))
  expect(opened).toHaveLength(shared)
  await pool.use('b', open, never, echo('another key'))
  expect(opened).toHaveLength(shared + 1)
  pool.close()
  expect(opened.some((connection) => connection.isOpen())).toBe(false)
})

test('a server that allows fewer sessions is believed, and gets more connections', async () => {
  const pool = createSshPool()
  const { open, opened } = opener(narrow)
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, i) => pool.use('a', open, never, echo(`n${i}`))),
  )
  expect(results.every(({ exitCode }) => exitCode === 0)).toBe(true)
  expect(opened.length).toBeGreaterThan(1)
  pool.close()
})

test('a broken connection is replaced by the next use', async () => {
  const pool = createSshPool()
  const { open, opened } = opener(sshd)
  await pool.use('a', open, never, echo('x'))
  sshd.breakConnections()
  await until(() => opened[0]?.isOpen() === false)
  expect((await pool.use('a', open, never, echo('y'))).stdout.toString()).toBe('y\n')
  expect(opened).toHaveLength(2)
  pool.close()
})

test('an idle connection is closed, one with a tunnel is not', async () => {
  const pool = createSshPool({ idleMs: 100, sweepMs: 20 })
  const { open, opened } = opener(sshd)
  await pool.use('idle', open, never, echo('x'))
  const tunnel = await pool.forward('busy', open, { host: '127.0.0.1', port: sshd.port }, never)
  await until(() => opened[0]?.isOpen() === false)
  expect(opened[1]?.isOpen()).toBe(true)
  tunnel.destroy()
  await until(() => opened[1]?.isOpen() === false)
  pool.close()
})

test('a connection that nobody waits for any more is given up; who still waits gets it', async () => {
  const pool = createSshPool()
  const abandoned: AbortSignal[] = []
  const hang: OpenConnection = (signal) =>
    new Promise((_, reject) => {
      abandoned.push(signal)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const [first, second] = [new AbortController(), new AbortController()]
  const waiting = [first, second].map(({ signal }) => faultOf(pool.use('a', hang, signal, echo('x'))))
  first.abort(new Error('one'))
  expect(await waiting[0]).toBe('undefined: one')
  expect(abandoned.map(({ aborted }) => aborted)).toEqual([false])
  second.abort(new Error('two'))
  expect(await waiting[1]).toBe('undefined: two')
  expect(abandoned.map(({ aborted }) => aborted)).toEqual([true])
  const { open } = opener(sshd)
  expect((await pool.use('a', open, never, echo('y'))).stdout.toString()).toBe('y\n')
  pool.close()
})

test('who comes while a connection is being given up gets one of its own', async () => {
  const pool = createSshPool()
  const { open } = opener(sshd)
  let giveUp = () => {}
  const slowToStop: OpenConnection = (signal) =>
    new Promise((_, reject) => {
      giveUp = () => reject(signal.reason)
    })
  const first = new AbortController()
  const waiting = faultOf(pool.use('a', slowToStop, first.signal, echo('x')))
  first.abort(new Error('one'))
  expect(await waiting).toBe('undefined: one')
  const second = pool.use('a', open, never, echo('y'))
  giveUp()
  expect((await second).stdout.toString()).toBe('y\n')
  pool.close()
})

test('a server that ends every connection after the login is an outage, and is not asked again and again', async () => {
  const pool = createSshPool()
  let asked = 0
  const closing: OpenConnection = async (signal) => {
    asked++
    const connection = await connectTo(sshd, { signal })
    connection.close()
    return connection
  }
  expect(await faultOf(pool.use('a', closing, never, echo('x')))).toMatch(/^target_unreachable/)
  expect(asked).toBe(1)
  pool.close()
})

test('a tunnel closes when its target has said all, as a socket does', async () => {
  const farewell = createServer((socket) => socket.on('error', () => {}).end('bye')).listen(0, '127.0.0.1')
  await once(farewell, 'listening')
  const connection = await connectTo(sshd)
  const { port } = farewell.address() as { port: number }
  const tunnel = await connection.forward('127.0.0.1', port, never)
  tunnel.resume()
  await once(tunnel, 'close')
  connection.close()
  farewell.close()
})

test('000.35 a tunnel carries bytes both ways, ends with its target, and is an error where its connection breaks', async () => {
  const pool = createSshPool()
  const { open } = opener(sshd)
  const target = { host: '127.0.0.1', port: sshd.port }
  const greetingOf = (stream: Duplex) =>
    new Promise<string>((resolve) => stream.once('data', (chunk: Buffer) => resolve(chunk.toString())))
  const tunnel = await pool.forward('a', open, target, never)
  const ended = new Promise((resolve) => tunnel.once('close', resolve))
  expect(await greetingOf(tunnel)).toMatch(/^SSH-2\.0-/)
  tunnel.resume()
  tunnel.end('no SSH\r\n')
  await ended
  const other = await pool.forward('a', open, target, never)
  const broken = new Promise((resolve) => other.once('error', resolve))
  other.resume()
  sshd.breakConnections()
  expect(await broken).toMatchObject({ code: 'target_unreachable' })
  pool.close()
})

test('000.34 a chain of three servers is one connection through another', async () => {
  const pool = createSshPool()
  const { open: first } = opener(sshd)
  const behind =
    (key: string, before: OpenConnection): OpenConnection =>
    (signal) =>
      connectTo(sshd, {
        signal,
        openSocket: () => pool.forward(key, before, { host: '127.0.0.1', port: sshd.port }, signal),
      })
  const third = behind('2', behind('1', first))
  const results = await Promise.all(['a', 'b', 'c'].map((text) => pool.use('3', third, never, echo(text))))
  expect(results.map(({ stdout }) => stdout.toString())).toEqual(['a\n', 'b\n', 'c\n'])
  pool.close()
})

test('a target that cannot be reached from the server, and one that it does not allow, are told apart', async () => {
  const strict = await startSshd({ config: ['AllowTcpForwarding no'] })
  const [open, shut] = [await connectTo(sshd), await connectTo(strict)]
  expect(await faultOf(open.forward('127.0.0.1', 1, never))).toMatch(/^target_unreachable/)
  expect(await faultOf(shut.forward('127.0.0.1', sshd.port, never))).toMatch(
    /^target_refused: The bastion does not allow/,
  )
  for (const connection of [open, shut]) connection.close()
  await strict.close()
})
