import { randomUUID } from 'node:crypto'
import type { Role } from '@opsconductor/contracts'
import { connectTemporal } from '@opsconductor/temporal'
import { testTemporalAddress } from '@opsconductor/test-peers'
import { nexusEndpoints } from '../../src/nexus-endpoints/endpoints.ts'
import { endpointNameOf, isOurs } from '../../src/nexus-endpoints/plan.ts'
import { type Answer, send, startHarness } from '../harness.ts'
import { startSealingBroker } from './sealing-broker.ts'
import { startTemporalLink } from './temporal-link.ts'

export type World = Awaited<ReturnType<typeof startWorld>>
export type Pair = Awaited<ReturnType<World['createPair']>>

/** The registry with a broker that seals and a way to Temporal that can be cut, and what tests of connectors need. */
export async function startWorld(settings: Record<string, string> = {}) {
  const [broker, link] = await Promise.all([startSealingBroker(), startTemporalLink(testTemporalAddress())])
  const harness = await startHarness({
    settings: {
      SECRETS_BROKER_URL: broker.url,
      TEMPORAL_ADDRESS: link.address,
      PUBLISH_WAIT_SECONDS: '20',
      ...settings,
    },
  })
  const temporal = connectTemporal({ address: testTemporalAddress() })
  const nexus = nexusEndpoints(temporal)

  async function createProject(): Promise<string> {
    const id = randomUUID()
    await harness.owner.query('INSERT INTO api_key.projects (id, name) VALUES ($1, $2)', [id, id])
    return id
  }

  /** A person who is known to the database too, with a role in each project; asks for the first unless told otherwise. */
  async function createPerson(...memberships: { projectId: string; role: Role }[]) {
    const [first, ...more] = memberships
    const { userId, token } = await harness.keys.createUser(first)
    for (const membership of more) harness.keys.join(userId, membership)
    await harness.owner.query(
      `INSERT INTO api_key.users (id, email, display_name, password_hash) VALUES ($1, $2, 'x', 'x')`,
      [userId, `${userId}@example.com`],
    )
    return (projectId: string | undefined = first?.projectId) => ({
      authorization: `Bearer ${token}`,
      'x-project-id': String(projectId),
    })
  }

  const installation = async (): Promise<string> =>
    String((await harness.owner.query('SELECT id FROM interface_registry.installation')).rows[0]?.id)

  const ask = (
    headers: Record<string, string>,
    method: string,
    path: string,
    body?: unknown,
    at = harness.publicUrl,
  ): Promise<Answer> => send(at + path, { method, headers, body })

  async function expose(headers: Record<string, string>, type: 'update' | 'signal' | 'query' = 'update') {
    const name = `w-${randomUUID()}`
    const workflow = await ask(headers, 'POST', '/api/workflows', {
      name,
      workflow_type: 'entity',
      task_queue: 'own',
      workflow_id: `entity-${name}`,
    })
    const made = await ask(headers, 'POST', `/api/workflows/${workflow.body.id}/interfaces`, {
      name: 'adjust',
      interface_type: type,
      callable_name: 'adjust',
    })
    if (made.status !== 201) throw new Error(`the interface was not created: ${made.status}`)
    return { serviceId: workflow.body.id, interfaceId: made.body.id }
  }

  return {
    harness,
    broker,
    link,
    temporal,
    nexus,
    ask,
    createProject,
    createPerson,
    expose,
    endpointOf: (connectorId: string) => nexus.find(endpointNameOf(connectorId)),
    /** Two projects, a person who owns both, and an interface of the second. */
    async createPair(type: 'update' | 'signal' | 'query' = 'update') {
      const [sourceId, targetId] = await Promise.all([createProject(), createProject()])
      const person = await createPerson(
        { projectId: sourceId, role: 'owner' },
        { projectId: targetId, role: 'owner' },
      )
      const asSource = person()
      const asTarget = person(targetId)
      const exposed = await expose(asTarget, type)
      const body = {
        name: `c-${randomUUID()}`,
        target_project_id: targetId,
        target_service_id: exposed.serviceId,
        target_interface_id: exposed.interfaceId,
      }
      return {
        ...{ sourceId, targetId, asSource, asTarget, body },
        create: (more: object = {}, at?: string) =>
          ask(asSource, 'POST', '/api/project-connectors', { ...body, ...more }, at),
        get: (id: string, at?: string) =>
          ask(asSource, 'GET', `/api/project-connectors/${id}`, undefined, at),
      }
    },
    installation,
    async stop() {
      const own = await installation()
      await harness.stop()
      // The server is other tests' too.
      for (const held of await nexus.list()) if (isOurs(held, own)) await nexus.remove(held)
      await Promise.all([temporal.close(), link.close(), broker.close()])
    },
  }
}
