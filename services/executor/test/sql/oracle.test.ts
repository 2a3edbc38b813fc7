import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { afterAll, afterEach, expect, test } from '@jest/globals'
import { createTestCertificates } from '@opsconductor/test-peers'
import { createDatabases, failureOf, type StepOptions, sqlStepsOn } from './sql-steps.ts'

// No Oracle runs here: these are listeners, which speak the packets before a login. Whole statements: engines.test.ts.

const types = { connect: 1, refuse: 4, redirect: 5, resend: 11 }
const servers: Server[] = []
const databases = createDatabases()

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
afterAll(() => databases.close())

function packet(type: number, body: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(body.length + 8)
  head[4] = type
  head[5] = flags
  return Buffer.concat([head, body])
}

function refusal(code: number): Buffer {
  const text = Buffer.from(`(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR=${code}))`)
  const head = Buffer.alloc(4)
  head[0] = 0x22
  head.writeUInt16BE(text.length, 2)
  return packet(types.refuse, Buffer.concat([head, text]))
}

function redirection(port: number): Buffer {
  const text = Buffer.from(`(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=${port}))`)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(text.length)
  return packet(types.redirect, Buffer.concat([length, text]))
}

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const answering = (answer: Buffer) =>
  listen(createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.write(answer))))

const ask = (port: number, parameters = '', options: StepOptions = {}) =>
  failureOf(
    sqlStepsOn(`oracle://me:oracle-password@127.0.0.1:${port}/XEPDB1${parameters}`, databases, options).query(
      'SELECT 1 FROM dual',
    ),
  )

test.each([
  ['has no such service', 12514, 'step_failed', 'does not exist'],
  ['has no such instance', 12505, 'step_failed', 'does not exist'],
  ['takes nobody', 12516, 'target_unreachable', 'could not be reached'],
])('000.16d a listener that %s is told from others', async (_, number, code, text) => {
  const failure = await ask(await answering(refusal(number)))
  expect(failure).toMatchObject({ code, message: expect.stringContaining(text) })
  expect(failure.message).not.toContain('oracle-password')
})

test('a listener that sends its clients elsewhere is not followed', async () => {
  let reached = 0
  const elsewhere = await listen(
    createServer((socket) => {
      reached++
      socket.destroy()
    }),
  )
  expect(await ask(await answering(redirection(elsewhere)))).toMatchObject({ code: 'outbound_denied' })
  expect(reached).toBe(0)
})

test('what is no listener, and one that hangs up, cannot be reached', async () => {
  for (const answer of [
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]),
  ])
    expect(await ask(await answering(answer))).toMatchObject({
      code: expect.stringMatching(/^(target_unreachable|step_failed)$/),
    })
  const port = await listen(createServer((socket) => void socket.destroy()))
  expect(await ask(port)).toMatchObject({ code: 'target_unreachable' })
})

test('000.23 protocol=tcps is TLS 1.3 with our trust and our certificate, also when the listener begins it anew', async () => {
  const { ca, server, client } = createTestCertificates()
  const seen: (string | null)[] = []
  const options = { ...server, ca, requestCert: true, rejectUnauthorized: true }
  const begin = (raw: Socket) => new TLSSocket(raw, { ...options, isServer: true }).on('error', () => {})
  const port = await listen(
    createServer((raw) => {
      raw.on('error', () => {})
      const first = begin(raw)
      first.once('data', () => {
        seen.push(first.getProtocol())
        first.write(packet(types.resend, Buffer.alloc(0), 0x08), () => {
          first.removeAllListeners()
          const second = begin(raw)
          second.once('data', () => {
            seen.push(second.getProtocol())
            second.write(refusal(12514))
          })
        })
      })
    }),
  )
  const trusting = { caBundles: [ca], clientCertificate: client }
  expect((await ask(port, '?protocol=tcps', trusting)).message).toContain('does not exist')
  expect(seen).toEqual(['TLSv1.3', 'TLSv1.3'])
  const plain = await listen(createTlsServer(server))
  expect((await ask(plain, '?protocol=tcps')).message).toContain('is not trusted')
})

test('a listener that breaks TLS as soon as it stands ends the step, and no more than that', async () => {
  const { ca, server } = createTestCertificates()
  const port = await listen(
    createServer((raw) => {
      raw.on('error', () => {})
      const secure = new TLSSocket(raw, { ...server, isServer: true }).on('error', () => {})
      secure.once('secure', () => raw.write('this is no TLS record'))
    }),
  )
  const failure = await ask(port, '?protocol=tcps', { caBundles: [ca] })
  expect(failure.code).toBe('target_unreachable')
})

test.each(['x)(SERVER=dedicated', 'x)(ADDRESS=(PROTOCOL=TCP)(HOST=169.254.169.254)(PORT=80))'])(
  'a service that would change the connect descriptor is refused: %s',
  async (service) => {
    const steps = sqlStepsOn(
      `oracle://me:pw@127.0.0.1:${await answering(refusal(1))}/${encodeURIComponent(service)}`,
      databases,
    )
    expect((await failureOf(steps.query('SELECT 1 FROM dual'))).message).toContain('usable service')
  },
)
