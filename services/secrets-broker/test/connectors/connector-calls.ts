import { randomUUID } from 'node:crypto'
import type { PinnedRun } from '@opsconductor/contracts'
import { executorKey, type RunningBroker, registryKey } from '../running-broker.ts'

export const canary = 'c0nnector-canary-9f3a'

/** Calls as the registry and the executor make them, for one broker. */
export function connectorCalls(broker: RunningBroker) {
  const seal = (id: string, projectId: string, credential: object, key: string = registryKey) =>
    broker.internal(
      'POST',
      `/internal/secrets/connectors/${id}/seal`,
      { project_id: projectId, ...credential },
      key,
    )

  /** A connector as the registry knows it, with what opens it. */
  function connect(
    projectId: string,
    opens: { credential_id: string } | { sealed: { ciphertext: string; key_id: string } },
    { id = randomUUID(), name = 'shop' }: { id?: string; name?: string } = {},
  ): string {
    const bound = {
      allowed: true as const,
      version: 'v1',
      project_id: projectId,
      name,
      credential_id: null,
      sealed: null,
    }
    broker.registry.onBind(id, () => ({ ...bound, ...opens }))
    return id
  }

  return {
    seal,
    connect,
    /** A connector with a credential of its own. */
    async connectOwn(projectId: string, credential: object = { type: 'bearer_token', secret: canary }) {
      const id = randomUUID()
      const { status, body, text } = await seal(id, projectId, credential)
      if (status !== 200) throw new Error(text)
      return connect(projectId, { sealed: body as unknown as { ciphertext: string; key_id: string } }, { id })
    },
    /** A run with one step `s` that names the connector. */
    runOf: (projectId: string, connector: string | undefined, more: Partial<PinnedRun> = {}) =>
      broker.executor.add({
        project_id: projectId,
        steps: [{ id: 's', type: 'http.get', credentials: [], ...(connector && { connector }) }],
        ...more,
      }).run_id,
    use: (id: string, asked: object, key: string = executorKey) =>
      broker.internal('POST', `/internal/secrets/connectors/${id}/use`, asked, key),
  }
}
