import { readConfig } from './config.ts'
import { startGateway } from './gateway.ts'

const complain = (line: string) => process.stderr.write(`dev-gateway: ${line}\n`)

try {
  const gateway = await startGateway({ ...readConfig(), log: complain })
  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    await gateway.stop()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  const tls = gateway.tlsUrl === undefined ? '' : ` tls=${gateway.tlsUrl}`
  process.stdout.write(`dev-gateway listening proxy=${gateway.proxyUrl} admin=${gateway.adminUrl}${tls}\n`)
} catch (error) {
  complain((error as Error).message)
  process.exit(1)
}
