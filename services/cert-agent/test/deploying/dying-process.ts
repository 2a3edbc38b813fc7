import { readAgentConfig } from '../../src/config.ts'
import { deployCertificate } from '../../src/deploying/deploy-certificate.ts'
import { createDeps } from '../../src/deps.ts'

/** Deploys as cert-agent does, and is killed once it has entered a state: `<operation> <deployment> <state>`. */
const [operationId = '', deploymentId = '', state] = process.argv.slice(2)
await deployCertificate(createDeps(readAgentConfig()), {
  ...{ operationId, deploymentId, actor: 'test', patienceMs: 300 },
  signal: new AbortController().signal,
  onState: (entered) => entered === state && process.kill(process.pid, 'SIGKILL'),
})
