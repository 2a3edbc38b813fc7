import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { serverToken } from '../version.ts'
import { errorBody, newRequestId } from './answers.ts'

export const nginxPage = (status: number) => {
  const title = `${status} ${STATUS_CODES[status]}`
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`
}

/** Answers what never became a request: Node's parser refused it, or it was CONNECT. */
export function answerRaw(socket: Duplex, status: number, message: string | undefined): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const requestId = newRequestId()
  const { type, text } =
    message === undefined
      ? { type: 'text/html; charset=UTF-8', text: nginxPage(status) }
      : errorBody(message, requestId, 'text/plain')
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Date: ${new Date().toUTCString()}`,
    `Content-Type: ${type}`,
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'X-Kong-Response-Latency: 0',
    `Server: ${serverToken}`,
    `X-Kong-Request-Id: ${requestId}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}

/** Kong's (nginx's) answer to a request that Node's strict parser refused. */
export function answerClientError(
  error: Error & { code?: string; rawPacket?: Buffer; reason?: string },
  socket: Duplex,
) {
  if (error.code === 'ECONNRESET') {
    socket.destroy()
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    answerRaw(socket, 408, 'Request timeout')
  } else if (error.code === 'HPE_HEADER_OVERFLOW') {
    const [firstLine = ''] = (error.rawPacket ?? Buffer.alloc(0)).toString('latin1').split('\n', 1)
    const inRequestLine = firstLine.length > 8192
    answerRaw(
      socket,
      inRequestLine ? 414 : 400,
      inRequestLine ? 'URI too long' : 'Request header or cookie too large',
    )
  } else if (error.code === 'HPE_INVALID_TRANSFER_ENCODING') {
    answerRaw(socket, 501, undefined)
  } else {
    answerRaw(socket, 400, 'Bad request')
  }
}
