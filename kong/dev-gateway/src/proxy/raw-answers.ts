import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { serverToken } from '../version.ts'
import { newRequestId, plainError } from './answers.ts'

/** Answers what never became a request: Node's parser refused it, or it was CONNECT. */
export function answerRaw(socket: Duplex, status: number, message: string): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const requestId = newRequestId()
  const { type, text } = plainError(message, requestId)
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

/** Kong's answer to a request that Node's strict parser refused. */
export function answerClientError(
  error: Error & { code?: string; rawPacket?: Buffer },
  socket: Duplex,
): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy()
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    answerRaw(socket, 408, 'Request timeout')
  } else if (error.code === 'HPE_HEADER_OVERFLOW') {
    const inRequestLine = (error.rawPacket?.indexOf('\n') ?? 0) === -1
    if (inRequestLine) answerRaw(socket, 414, 'URI too long')
    else answerRaw(socket, 400, 'Request header or cookie too large')
  } else {
    answerRaw(socket, 400, 'Bad request')
  }
}
