import { connect } from 'node:net'

export interface Received {
  status: number
  headers: [string, string][]
  body: string
}

interface Sent {
  port: number
  method: string
  path: string
  headers: Record<string, string>
  body: string | undefined
}

/** Sends exactly the given head, with no more than Host, Content-Length and Connection added. */
export function send({ port, method, path, headers, body }: Sent): Promise<Received> {
  const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const head = [`${method} ${path} HTTP/1.1`]
  if (!given.has('host')) head.push(`Host: 127.0.0.1:${port}`)
  if (!given.has('connection')) head.push('Connection: close')
  if (body !== undefined && !given.has('transfer-encoding')) {
    head.push(`Content-Length: ${Buffer.byteLength(body)}`)
  }
  for (const [name, value] of Object.entries(headers)) head.push(`${name}: ${value}`)
  return sendRaw(port, Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`), method === 'HEAD')
}

/** Sends bytes as they are; resolves when the answer is whole or the gateway closes. */
export function sendRaw(port: number, bytes: Buffer, headOnly = false): Promise<Received> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    const finish = () => {
      socket.destroy()
      const answer = parseAnswer(text)
      if (answer) resolve(answer)
      else reject(new Error(`no answer, only ${JSON.stringify(text.slice(0, 80))}`))
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const answer = parseAnswer(text)
      if (answer && (headOnly || isWhole(text, answer))) finish()
    })
    socket.on('error', reject)
    socket.on('end', finish)
  })
}

const header = (answer: Received, wanted: string) =>
  answer.headers.find(([name]) => name.toLowerCase() === wanted)?.[1]

function isWhole(text: string, answer: Received): boolean {
  if ([204, 304].includes(answer.status)) return true
  if (header(answer, 'transfer-encoding') === 'chunked') return text.endsWith('\r\n0\r\n\r\n')
  const length = header(answer, 'content-length')
  return length !== undefined && Buffer.byteLength(answer.body) >= Number(length)
}

/** `text` holds one byte per character. Undefined while the head is not whole. */
export function parseAnswer(text: string): Received | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = Number(statusLine.split(' ')[1])
  if (status < 200) return parseAnswer(text.slice(end + 4))
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const answer = { status, headers, body: text.slice(end + 4) }
  const chunked = header(answer, 'transfer-encoding') === 'chunked'
  const bytes = chunked
    ? answer.body.replace(/(^|\r\n)[0-9a-f]+\r\n/gi, '').replace(/\r\n$/, '')
    : answer.body
  return { ...answer, body: Buffer.from(bytes, 'latin1').toString('utf8') }
}
