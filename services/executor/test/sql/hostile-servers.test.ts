import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { afterAll, afterEach, expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { createTestCertificates, createTestDatabase } from '@opsconductor/test-peers'
import { createDatabases, failureOf, type StepOptions, sqlStepsOn, until } from './sql-steps.ts'

const databases = createDatabases()
const servers: Server[] = []
const sockets = new Set<Socket>()

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  for (const server of servers.splice(0)) server.close()
})
afterAll(() => databases.close())

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const query = (scheme: string, port: number, options: StepOptions = {}) =>
  failureOf(
    sqlStepsOn(`${scheme}://me:hidden-password@127.0.0.1:${port}/x`, databases, options).query('SELECT 1'),
  )

const schemes = ['postgres', 'mysql', 'mssql', 'oracle']

test.each(schemes)('a server that takes the connection and says nothing holds no %s step', async (scheme) => {
  const stop = new AbortController()
  const port = await listen((socket) => {
    socket.once('data', () => stop.abort(new AppError('step_timeout', 'The step took too long.')))
    if (scheme === 'mysql') stop.abort(new AppError('step_timeout', 'The step took too long.'))
  })
  expect(await query(scheme, port, { signal: stop.signal })).toEqual({
    code: 'step_timeout',
    message: 'The step took too long.',
  })
})

test.each(schemes)('a server that hangs up cannot be reached by %s', async (scheme) => {
  const port = await listen((socket) => void socket.destroy())
  expect(await query(scheme, port)).toMatchObject({ code: 'target_unreachable' })
})

test.each(schemes)('a server of another protocol is no %s, and is not quoted', async (scheme) => {
  const port = await listen((socket) => void socket.end('HTTP/1.1 400 Quoted\r\n\r\n'))
  const { code, message } = await query(scheme, port)
  expect(['target_unreachable', 'step_failed']).toContain(code)
  expect(message).not.toMatch(/Quoted|hidden-password/)
})

test.each(schemes)(
  'a server that never stops to speak before the login fills no memory: %s',
  async (scheme) => {
    const filler = Buffer.alloc(256 * 1024)
    let written = 0
    const port = await listen((socket) => {
      const speak = () => {
        while (!socket.destroyed && socket.write(filler)) written += filler.length
      }
      socket.on('drain', speak)
      speak()
    })
    expect(['target_unreachable', 'step_failed']).toContain((await query(scheme, port)).code)
    expect(written).toBeLessThan(512 * 1024 * 1024)
  },
)

test('a PostgreSQL that breaks TLS as soon as it stands cannot be reached', async () => {
  const { ca, server } = createTestCertificates()
  const port = await listen((socket) => {
    socket.once('data', () => {
      socket.write('S')
      const secure = new TLSSocket(socket, { ...server, isServer: true }).on('error', () => {})
      secure.once('secure', () => socket.write('this is no TLS record'))
    })
  })
  const url = `postgres://me:hidden-password@127.0.0.1:${port}/x?sslmode=require`
  const failure = await failureOf(sqlStepsOn(url, databases, { caBundles: [ca] }).query('SELECT 1'))
  expect(failure.code).toBe('target_unreachable')
})

test('a PostgreSQL that stops in the middle of a row holds nobody', async () => {
  const message = (type: string, body: Buffer) => {
    const head = Buffer.from(`${type}0000`)
    head.writeInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }
  const ready = message('Z', Buffer.from('I'))
  const stop = new AbortController()
  let cancelled = 0
  const port = await listen((socket) => {
    let step = 0
    socket.on('data', (chunk) => {
      if (chunk.length === 16 && chunk.readInt32BE(4) === 80_877_102) return void cancelled++
      step++
      if (step === 1)
        socket.write(Buffer.concat([message('R', Buffer.alloc(4)), message('K', Buffer.alloc(8, 1)), ready]))
      else if (step === 2) socket.write(Buffer.concat([message('C', Buffer.from('BEGIN\0')), ready]))
      else if (step === 3) {
        const column = Buffer.concat([Buffer.from([0, 1]), Buffer.from('a\0'), Buffer.alloc(18)])
        const begun = message('D', Buffer.alloc(1_000_000)).subarray(0, 500)
        socket.write(
          Buffer.concat([
            message('1', Buffer.alloc(0)),
            message('2', Buffer.alloc(0)),
            message('T', column),
            begun,
          ]),
        )
        stop.abort(new AppError('step_timeout', 'The step took too long.'))
      }
    })
  })
  expect(await query('postgres', port, { signal: stop.signal })).toMatchObject({ code: 'step_timeout' })
  await databases.close()
  expect(cancelled).toBeGreaterThan(0)
})

test('a PostgreSQL that answers and then hangs keeps no place in the pool', async () => {
  const database = await createTestDatabase()
  try {
    const url = new URL(database.ownerUrl)
    const { hostname, port: realPort } = url
    const port = await listen((socket) => {
      const upstream = connect(Number(realPort), hostname).on('error', () => {})
      sockets.add(upstream)
      upstream.pipe(socket)
      socket.on('close', () => upstream.destroy())
      socket.on('data', (chunk) => {
        // With it a step's connection is cleaned.
        if (!chunk.includes('ROLLBACK')) upstream.write(chunk)
      })
    })
    url.port = String(port)
    const steps = sqlStepsOn(String(url), databases)
    // One more than a pool has connections.
    const answers = await Promise.all(Array.from({ length: 9 }, () => steps.query('SELECT 1 AS one')))
    expect(answers.map(({ rows }) => rows)).toEqual(Array(9).fill([{ one: 1 }]))
    await until(async () => [...sockets].every(({ destroyed }) => destroyed))
  } finally {
    await database.drop()
  }
})
