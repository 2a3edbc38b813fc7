import { randomUUID } from 'node:crypto'
import type { AgentUnderTest, Call } from '../support/agent.ts'

export const addLogin = (agent: AgentUnderTest, name = 'login', projectId = agent.projectId) =>
  agent.broker.add({ projectId, name, type: 'ssh', secret: { private_key: 'k' } })

let added = 0
/** A server of the project by the API; its credential is there already. */
export async function addServer(call: Call, fields: Record<string, unknown> = {}) {
  const body = { name: `web-${++added}`, host: 'web.example.com', credential: 'login', ...fields }
  const answer = await call('POST', '/api/servers', body)
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
  return answer.body as { id: string; name: string; [field: string]: unknown }
}

/** A certificate row without a version, unless it is said to have one. */
export async function addCertificate(
  { deps, projectId }: Pick<AgentUnderTest, 'deps' | 'projectId'>,
  names: string[],
  fields: { version?: number; createdBy?: string; projectId?: string } = {},
): Promise<string> {
  const { id } = await deps.prisma.certificate.create({
    data: {
      ...{ projectId, name: randomUUID(), names, source: 'import', keyType: 'ec-p256', createdBy: 'test' },
      ...fields,
    },
  })
  return id
}

/** `path: message` of each field that is wrong. */
export const faultsOf = ({ body }: { body: { errors?: { path: string; message: string }[] } }): string[] =>
  (body.errors ?? []).map(({ path, message }) => `${path}: ${message}`)
