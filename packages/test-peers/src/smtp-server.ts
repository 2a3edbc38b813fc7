import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

export interface ReceivedMail {
  /** As MAIL FROM and RCPT TO named them. */
  from: string
  to: string[]
  /** Header lines, unfolded. */
  headers: string[]
  body: string
  /** Of AUTH PLAIN; undefined where nobody logged in. */
  login: { username: string; password: string } | undefined
  secure: boolean
}

export interface SmtpServerOptions {
  certificate: { key: string; cert: string }
  /** TLS from the first byte. */
  implicitTls?: boolean
  /** What EHLO offers before TLS; STARTTLS by default. */
  offersStartTls?: boolean
  offersLogin?: boolean
  password?: string
  /** Answers in place of the usual ones, by the first word of a command, in turn; `none`: nothing is answered. */
  answers?: Partial<Record<string, string[]>>
}

export type SmtpServerPeer = Awaited<ReturnType<typeof startSmtpServer>>

/** A server that speaks as much of RFC 5321, 3207 and 4954 as a sender needs, on loopback. */
export async function startSmtpServer(options: SmtpServerOptions) {
  const received: ReceivedMail[] = []
  const commands: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
    const plain = options.implicitTls ? secured(socket, options) : socket
    plain.write('220 peer ESMTP\r\n')
    talk(plain, { options, received, commands, secure: options.implicitTls === true })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    received,
    /** Every command line, as it came. */
    commands,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const secured = (socket: Socket, { certificate }: SmtpServerOptions): TLSSocket => {
  const secure = new TLSSocket(socket, { isServer: true, ...certificate })
  return secure.on('error', () => {})
}

interface Talk {
  options: SmtpServerOptions
  received: ReceivedMail[]
  commands: string[]
  secure: boolean
}

function talk(socket: Socket, { options, received, commands, secure }: Talk): void {
  let buffered = ''
  let inData = false
  let mail: Pick<ReceivedMail, 'from' | 'to' | 'login'> = { from: '', to: [], login: undefined }
  const say = (text: string): void => void socket.write(`${text}\r\n`)

  const capabilities = [
    'peer',
    ...(options.offersStartTls !== false && !secure ? ['STARTTLS'] : []),
    ...(options.offersLogin !== false ? ['AUTH PLAIN'] : []),
    '8BITMIME',
  ]
  const usual: Record<string, (argument: string) => void> = {
    EHLO() {
      for (const [index, line] of capabilities.entries())
        say(`250${index < capabilities.length - 1 ? '-' : ' '}${line}`)
    },
    STARTTLS() {
      if (!capabilities.includes('STARTTLS')) return say('502 not offered')
      socket.removeAllListeners('data')
      say('220 go on')
      talk(secured(socket, options), { options, received, commands, secure: true })
    },
    AUTH(argument) {
      if (!capabilities.includes('AUTH PLAIN')) return say('502 not offered')
      const [, username = '', password = ''] = Buffer.from(argument.split(' ')[1] ?? '', 'base64')
        .toString('utf8')
        .split('\0')
      if (options.password !== undefined && password !== options.password) return say('535 refused')
      mail.login = { username, password }
      say('235 welcome')
    },
    MAIL(argument) {
      mail.from = addressIn(argument)
      say('250 ok')
    },
    RCPT(argument) {
      mail.to.push(addressIn(argument))
      say('250 ok')
    },
    DATA() {
      inData = true
      say('354 go on')
    },
    QUIT() {
      say('221 bye')
      socket.end()
    },
    RSET: () => say('250 ok'),
  }

  function command(line: string): void {
    commands.push(line)
    const word = (line.split(' ')[0] ?? '').toUpperCase()
    const answer = options.answers?.[word]?.shift()
    if (answer === 'none') return
    if (answer !== undefined) {
      say(answer)
      return
    }
    const act = usual[word]
    if (act === undefined) say('502 not known')
    else act(line.slice(word.length + 1))
  }

  function message(text: string): void {
    const [head = '', ...body] = text.split('\r\n\r\n')
    const headers = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
    received.push({ ...mail, headers, body: body.join('\r\n\r\n').replaceAll('\r\n..', '\r\n.'), secure })
    mail = { ...mail, from: '', to: [] }
    say('250 taken')
  }

  socket.on('data', (chunk) => {
    buffered += chunk.toString('latin1')
    for (;;) {
      const end = inData ? '\r\n.\r\n' : '\r\n'
      const at = buffered.indexOf(end)
      if (at < 0) return
      const text = buffered.slice(0, at)
      buffered = buffered.slice(at + end.length)
      if (inData) {
        inData = false
        message(text)
      } else command(text)
    }
  })
}

const addressIn = (argument: string): string => /<([^>]*)>/.exec(argument)?.[1] ?? ''
