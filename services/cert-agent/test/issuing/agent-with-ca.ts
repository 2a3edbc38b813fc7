import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAgent } from '../support/agent.ts'
import { startFakeCa } from './fake-ca.ts'

export type AgentWithCa = Awaited<ReturnType<typeof startAgentWithCa>>

/** The agent with an account at a CA that behaves as a test wants it to. */
export async function startAgentWithCa(options: Omit<Parameters<typeof startAgent>[0], 'environment'> = {}) {
  const scratch = mkdtempSync(join(tmpdir(), 'fake-ca-'))
  const ca = await startFakeCa()
  const caFile = join(scratch, 'ca.pem')
  writeFileSync(caFile, ca.ca)
  const agent = await startAgent({ ...options, environment: { ACME_CA_FILE: caFile } })
  agent.executor.open(ca.port)
  const { status, body } = await agent.call('POST', '/api/certificates/accounts', {
    ...{ name: 'ca', directory_url: ca.directoryUrl, terms_of_service_agreed: true },
  })
  if (status !== 201) throw new Error(`The CA's account was answered with ${status}.`)
  return {
    ca,
    agent,
    acmeAccountId: body.id as string,
    async stop() {
      await agent.stop()
      await ca.close()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}
