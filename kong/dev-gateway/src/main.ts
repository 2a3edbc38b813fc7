import { readConfig } from './config.ts'
import { startGateway } from './gateway.ts'

function giveUp(line: string): never {
  process.stderr.write(`dev-gateway: ${line}\n`)
  process.exit(1)
}

const config = readConfig()
if ('faults' in config) giveUp(config.faults.join('; '))

const gateway = await startGateway({
  ...config,
  log: (line) => process.stderr.write(`dev-gateway: ${line}\n`),
}).catch((error: Error) => giveUp(error.message))

let stopping = false
const stop = () => {
  if (stopping) return
  stopping = true
  gateway.stop().then(
    () => process.exit(0),
    (error: Error) => giveUp(error.message),
  )
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)

const tls = gateway.tlsUrl === undefined ? '' : ` tls=${gateway.tlsUrl}`
process.stdout.write(`dev-gateway listening proxy=${gateway.proxyUrl} admin=${gateway.adminUrl}${tls}\n`)
