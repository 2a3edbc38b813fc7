import { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import { connectionLost } from './ssh-error.ts'

/**
 * A forwarded connection as drivers expect a socket to be. ssh2's own channel does not end when it is destroyed, takes
 * no more writes without saying so, and lacks what a socket has beside a stream.
 */
export function tunnelStream(channel: ClientChannel, isConnected: () => boolean): Duplex {
  let isClosed = false
  let waiting: ((error?: Error) => void) | undefined
  const stream = new Duplex({
    // As a socket's: drivers wait for its close, which a server gives only when both sides have ended.
    allowHalfOpen: false,
    read() {
      channel.resume()
    },
    write(chunk: Buffer, _encoding, done) {
      if (isClosed) done(connectionLost())
      else if (channel.write(chunk)) done()
      else waiting = done
    },
    final(done) {
      channel.end()
      done()
    },
    destroy(error, done) {
      if (!isClosed) channel.close()
      done(error)
    },
  })
  channel.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) channel.pause()
  })
  const goOn = (error?: Error) => {
    waiting?.(error)
    waiting = undefined
  }
  channel.on('drain', () => goOn())
  channel.on('end', () => {
    if (isConnected()) stream.push(null)
  })
  channel.on('error', (error: Error) => stream.destroy(error))
  channel.on('close', () => {
    isClosed = true
    goOn(connectionLost())
    if (!isConnected()) stream.destroy(connectionLost())
    else if (stream.readableEnded) stream.destroy()
    else stream.once('end', () => stream.destroy())
  })
  return Object.assign(stream, socketManners(stream))
}

/** What drivers call on a socket; a tunnel has none of it to set. */
const socketManners = (stream: Duplex) => ({
  connecting: false,
  setNoDelay: () => stream,
  setKeepAlive: () => stream,
  setTimeout: () => stream,
  ref: () => stream,
  unref: () => stream,
})
