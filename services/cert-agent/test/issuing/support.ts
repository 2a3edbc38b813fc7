import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createTestCertificates,
  freePort,
  type Pebble,
  type PebbleOptions,
  startJsonServer,
  startPebble,
} from '@opsconductor/test-peers'
import { request } from 'undici'
import type { DepsOptions } from '../../src/deps.ts'
import { issueCertificate } from '../../src/issuing/issue-certificate.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'

/** The real cert-agent and pebble, which reaches its http-01 as through the gateway and its dns-01 by a webhook. */
export async function startIssuing(options: PebbleOptions = {}, agentOptions: DepsOptions = {}) {
  const scratch = mkdtempSync(join(tmpdir(), 'issuing-'))
  const httpPort = await freePort()
  const pebble = await startPebble({ ...options, httpPort })
  writeFileSync(join(scratch, 'ca.pem'), pebble.ca)
  const agent = await startAgent({
    ...agentOptions,
    environment: { ACME_CA_FILE: join(scratch, 'ca.pem'), DNS_RESOLVERS: pebble.dnsServer },
  })
  agent.executor.open(pebble.port)
  const gateway = await startGateway(httpPort, () => agent.publicUrl)
  const dns = await startDnsWebhook(agent, pebble)
  return {
    agent,
    pebble,
    gateway,
    dnsAccountId: dns.accountId,
    async stop() {
      await gateway.close()
      await dns.close()
      await agent.stop()
      await pebble.close()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

export type Issuing = Awaited<ReturnType<typeof startIssuing>>

/** What Kong's static route does. */
async function startGateway(port: number, target: () => string) {
  const asked: string[] = []
  /** Each so many'th request is dropped. */
  let dropped = Number.POSITIVE_INFINITY
  const server = createServer(async (message, response) => {
    asked.push(message.url ?? '')
    if (asked.length % dropped === 0) return void response.destroy()
    const { statusCode, body } = await request(new URL(message.url ?? '/', target()))
    response.writeHead(statusCode).end(await body.text())
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    /** Paths, in order. */
    asked,
    /** 1: all requests. */
    dropsEvery(count: number) {
      dropped = count
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function startDnsWebhook(agent: AgentUnderTest, pebble: Pebble) {
  const certificates = createTestCertificates()
  agent.broker.caBundles.push(certificates.ca)
  const server = await startJsonServer({
    tls: { key: certificates.server.key, cert: certificates.server.cert },
    async answer({ body }) {
      const { action, fqdn, value } = JSON.parse(body)
      if (action === 'present') await pebble.addTxt(fqdn, value)
      else await pebble.clearTxt(fqdn)
      return { status: 204 }
    },
  })
  agent.executor.open(server.port)
  const { id: credentialId } = agent.broker.add({
    projectId: agent.projectId,
    name: `dns-${randomUUID()}`,
    type: 'webhook_secret',
    secret: { secret: 'a webhook secret of the tests' },
  })
  const { body } = await agent.call('POST', '/api/certificates/dns-accounts', {
    name: 'dns',
    provider: 'webhook',
    settings: { url: `https://127.0.0.1:${server.port}/dns` },
    credential: credentialId,
  })
  return { accountId: body.id as string, close: server.close }
}

export async function createAccount(
  { agent, pebble }: Pick<Issuing, 'agent' | 'pebble'>,
  fields: Record<string, unknown> = {},
) {
  return agent.call('POST', '/api/certificates/accounts', {
    name: `account-${randomUUID()}`,
    directory_url: pebble.directoryUrl,
    contact_email: 'ops@example.test',
    terms_of_service_agreed: true,
    ...fields,
  })
}

/** The wish, as `POST /api/certificates` writes it. */
export async function wishCertificate(
  { agent }: Pick<Issuing, 'agent'>,
  fields: { names: string[]; acmeAccountId: string } & Partial<
    Parameters<AgentUnderTest['deps']['certificates']['insert']>[0]
  >,
) {
  const certificate = { projectId: agent.projectId, name: `certificate-${randomUUID()}`, createdBy: 'test' }
  const { id } = await agent.deps.certificates.insert(
    { ...certificate, source: 'acme', keyType: 'ec-p256', ...fields },
    [],
  )
  return id
}

/** One attempt at issuing, in an operation of its own where none is given. */
export async function issue(
  { agent }: Pick<Issuing, 'agent'>,
  certificateId: string,
  signal = new AbortController().signal,
) {
  const { id: operationId } = await agent.deps.operations.insert(
    { projectId: agent.projectId, kind: 'issue', actor: 'test', certificateId },
    'running',
  )
  const steps: string[] = []
  const onProgress = (step: string) => void steps.push(step)
  const { version } = await issueCertificate(agent.deps, {
    ...{ operationId, certificateId, actor: 'test', signal, onProgress },
  })
  const stored = await agent.deps.certificates.findVersion(certificateId, version)
  if (stored === undefined) throw new Error('no version was stored')
  return { version, stored, steps, operationId }
}

export const keptOf = (agent: AgentUnderTest, credentialId: string) =>
  agent.broker.credentials.find(({ id }) => id === credentialId)
