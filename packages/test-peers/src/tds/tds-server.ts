import { randomUUID } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { createServer as createTlsServer } from 'node:tls'
import {
  createMessageReader,
  packetTypes,
  readLogin,
  readRpc,
  toPackets,
  withoutHeaders,
} from './requests.ts'
import * as tokens from './tokens.ts'

export interface TdsServer {
  port: number
  /** Requests that wait (`WAITFOR DELAY`), as the server sees them. */
  waiting(): number
  /** How many clients told it to stop what it was doing. */
  attentions(): number
  close(): Promise<void>
}

export interface TdsServerOptions {
  /** With it the server takes TLS before anything else, as TDS 8.0 does (`encrypt=strict`). */
  certificate?: { key: string; cert: string }
  /** Where it sends whoever logs in. */
  routesTo?: { host: string; port: number }
}

export const tdsLogin = { user: 'sa', password: 'tds-Passw0rd' }

/**
 * Stands in for SQL Server, which runs nowhere here: TDS 7.4 (login, batches, sp_executesql, transactions, attention) over an
 * SQLite in memory that all connections share, so it is SQLite that reads the statements.
 */
export async function startTdsServer({ certificate, routesTo }: TdsServerOptions = {}): Promise<TdsServer> {
  const file = `file:tds-${randomUUID()}?mode=memory&cache=shared`
  const keeper = new DatabaseSync(file)
  const counts = { waiting: 0, attentions: 0 }
  const sockets = new Set<Socket>()
  const onSocket = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
    serve(socket, new DatabaseSync(file), counts, routesTo)
  }
  const server =
    certificate === undefined
      ? createServer(onSocket)
      : createTlsServer({ ...certificate, ALPNProtocols: ['tds/8.0'] }, onSocket)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    waiting: () => counts.waiting,
    attentions: () => counts.attentions,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      keeper.close()
    },
  }
}

function serve(
  socket: Socket,
  database: DatabaseSync,
  counts: { waiting: number; attentions: number },
  routesTo: TdsServerOptions['routesTo'],
): void {
  let wait: NodeJS.Timeout | undefined
  const send = (body: Buffer) => void socket.write(toPackets(packetTypes.answer, body))
  const stopWaiting = () => {
    if (wait === undefined) return
    clearTimeout(wait)
    wait = undefined
    counts.waiting--
  }
  socket.once('close', () => {
    stopWaiting()
    database.close()
  })

  function run(sql: string, parameters: { name: string; value: unknown }[], isRpc: boolean): void {
    const end = (rows: number) =>
      isRpc
        ? Buffer.concat([
            tokens.done(0xff, tokens.doneStatus.count | tokens.doneStatus.more, rows),
            tokens.returnStatus(),
            tokens.done(0xfe, tokens.doneStatus.final),
          ])
        : tokens.done(0xfd, tokens.doneStatus.count, rows)
    const seconds = /waitfor delay '00:00:(\d+)'/i.exec(sql)?.[1]
    if (seconds !== undefined) {
      counts.waiting++
      wait = setTimeout(() => {
        stopWaiting()
        send(end(0))
      }, Number(seconds) * 1000)
      return
    }
    // What clients set when a connection is reset.
    try {
      send(/^set /i.test(sql) ? end(0) : answer(database, sql, parameters, end))
    } catch (error) {
      const { message } = error as Error
      const number = /no such table/.test(message) ? 208 : 102
      send(
        Buffer.concat([
          tokens.errorToken(number, message),
          tokens.done(isRpc ? 0xfe : 0xfd, tokens.doneStatus.error),
        ]),
      )
    }
  }

  function logIn(body: Buffer): void {
    const { user, password } = readLogin(body)
    if (user === tdsLogin.user && password === tdsLogin.password) {
      const where = routesTo === undefined ? Buffer.alloc(0) : tokens.routing(routesTo.host, routesTo.port)
      send(Buffer.concat([where, tokens.loggedIn()]))
      return
    }
    const refusal = tokens.errorToken(18456, `Login failed for user '${user}'.`, 14)
    send(Buffer.concat([refusal, tokens.done(0xfd, tokens.doneStatus.error)]))
    socket.end()
  }

  function changeTransaction(body: Buffer): void {
    const type = ({ 5: 'begin', 7: 'commit' } as const)[withoutHeaders(body).readUInt16LE(0)] ?? 'rollback'
    database.exec(type)
    const told = type === 'begin' ? tokens.transactionBegan() : tokens.transactionEnded(type)
    send(Buffer.concat([told, tokens.done(0xfd, tokens.doneStatus.final)]))
  }

  const receive = createMessageReader((type, body) => {
    if (type === packetTypes.preLogin) return send(tokens.preLogin())
    if (type === packetTypes.login) return logIn(body)
    if (type === packetTypes.transaction) return changeTransaction(body)
    if (type === packetTypes.batch) return run(withoutHeaders(body).toString('utf16le'), [], false)
    if (type === packetTypes.rpc) {
      const { parameters } = readRpc(withoutHeaders(body))
      return run(String(parameters[0]?.value), parameters.slice(2), true)
    }
    if (type !== packetTypes.attention) return void socket.destroy()
    counts.attentions++
    if (wait !== undefined) send(tokens.done(0xfd, tokens.doneStatus.error))
    stopWaiting()
    return send(tokens.done(0xfd, tokens.doneStatus.attention))
  })
  socket.on('data', (chunk) => {
    try {
      receive(chunk)
    } catch {
      socket.destroy()
    }
  })
}

function answer(
  database: DatabaseSync,
  sql: string,
  parameters: { name: string; value: unknown }[],
  end: (rows: number) => Buffer,
): Buffer {
  const statement = database.prepare(sql.replaceAll(/\[([^\]]+)\]/g, '"$1"'))
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  statement.setAllowUnknownNamedParameters(true)
  const named = Object.fromEntries(parameters.map(({ name, value }) => [name, value as SQLInputValue]))
  const columns = statement.columns().map(({ name }) => name)
  if (columns.length === 0) return end(Number(statement.run(named).changes))
  const rows = statement.all(named) as unknown as unknown[][]
  return Buffer.concat([tokens.resultSet(columns, rows), end(rows.length)])
}
