import { randomUUID } from 'node:crypto'
import type { Connector } from '@opsconductor/contracts'
import type { z } from 'zod'
import { type Answer, type Harness, send, startHarness } from '../harness.ts'
import { post } from '../setups.ts'
import { startBrokerPeer } from './broker-peer.ts'

export type World = Awaited<ReturnType<typeof startWorld>>
export type Project = Awaited<ReturnType<Harness['createProject']>>
export type ConnectorBody = z.infer<typeof Connector> & Answer['body']

const serviceKeys = {
  broker: 'broker-key-for-tests-0123456789',
  executor: 'executor-key-for-tests-0123456789',
}

/** The registry with a broker, and each service with a key of its own. */
export async function startWorld() {
  const broker = await startBrokerPeer()
  const harness = await startHarness({
    settings: {
      SECRETS_BROKER_URL: broker.url,
      INTERNAL_KEY_SECRETS_BROKER: serviceKeys.broker,
      INTERNAL_KEY_EXECUTOR: serviceKeys.executor,
    },
  })
  return {
    ...harness,
    broker,
    async createConnector(project: Project, more: Record<string, unknown> = {}): Promise<ConnectorBody> {
      const { status, body } = await post(harness, project, '/api/connectors', httpApi(more))
      if (status !== 201) throw new Error(`the connector was not created: ${status} ${body.detail}`)
      return body as ConnectorBody
    },
    bind: (id: string, body: object, key: string = serviceKeys.broker) =>
      send(`${harness.internalUrl}/internal/connectors/${id}/bind`, {
        method: 'POST',
        headers: { 'x-internal-key': key },
        body,
      }),
    resolve: (reference: string, projectId: string, key: string = serviceKeys.executor) =>
      send(`${harness.internalUrl}/internal/connectors/${reference}?project_id=${projectId}`, {
        headers: { 'x-internal-key': key },
      }),
    serviceKeys,
    /** A person of the project in another role than its owner. */
    async as(role: 'viewer' | 'operator' | 'admin', { projectId }: Project): Promise<Project> {
      const { token } = await harness.keys.createUser({ role, projectId })
      const asOwner = { authorization: `Bearer ${token}` }
      return { projectId, asOwner, createKey: () => '' }
    },
    async stop() {
      await harness.stop()
      await broker.close()
    },
  }
}

export const httpApi = (more: Record<string, unknown> = {}) => ({
  name: `shop-${randomUUID()}`,
  kind: 'http_api',
  settings: { base_url: 'https://shop.example.com/api' },
  check_every_seconds: null,
  ...more,
})
