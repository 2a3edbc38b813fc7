import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** A real HTTP proxy that makes tunnels and nothing else. `answer` may answer in its stead. */
export async function startConnectProxy() {
  const asked: string[] = []
  let answer: ((socket: Duplex) => void) | undefined
  const sockets = new Set<Duplex>()
  const server = createServer((_, response) => response.writeHead(405).end())
  server.on('connect', ({ url = '' }, socket: Duplex, head: Buffer) => {
    asked.push(url)
    sockets.add(socket)
    socket.on('error', () => {})
    if (answer !== undefined) return answer(socket)
    const { hostname, port } = new URL(`http://${url}`)
    const onward = connect({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n')
      onward.write(head)
      socket.pipe(onward).pipe(socket)
    })
    sockets.add(onward)
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
    socket.on('close', () => onward.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    /** The authorities that tunnels were asked for to. */
    asked,
    answerWith(how: ((socket: Duplex) => void) | undefined) {
      answer = how
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
