/**
 * Writes the histories of representative operations beside this file, for `operations/replay.test.ts`: before the workflow's
 * code changes, run it with a new prefix (`node record.ts 2027-01`) where TEST_DATABASE_URL and TEST_TEMPORAL_ADDRESS are set.
 */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { operationWorkflow, operationWorkflowIdOf } from '@opsconductor/contracts'
import { createDeadServer, createPem, untilOperation } from '../operations/support.ts'
import { startAgent } from '../support/agent.ts'

const prefix = process.argv[2]
if (prefix === undefined) throw new Error('give a prefix, as the month: 2027-01')
// The package of this is the client's, not ours.
const { historyToJSON } = createRequire(createRequire(import.meta.url).resolve('@temporalio/client'))(
  '@temporalio/common/lib/proto-utils',
) as { historyToJSON(history: unknown): string }

const agent = await startAgent()
const { call } = agent
const isOver = ({ finished_at }: { finished_at: string | null }) => finished_at !== null
const isTried = ({ progress }: { progress: { attempts?: number } }) => (progress.attempts ?? 0) > 0
const cancel = async (id: string) => {
  await untilOperation(call, id, isTried)
  await call('POST', `/api/certificates/operations/${id}/cancel`)
  await untilOperation(call, id, isOver)
}
const newest = async (kind: string) =>
  (await call('GET', `/api/certificates/operations?kind=${kind}&limit=1`)).body.items[0].id as string
async function record(name: string, id: string): Promise<void> {
  const handle = agent.deps.temporal
    .clientFor(operationWorkflow.namespace)
    .workflow.getHandle(operationWorkflowIdOf(id))
  await handle.result().catch(() => {})
  const file = new URL(`${prefix}-${name}.json`, import.meta.url)
  writeFileSync(file, `${historyToJSON(await handle.fetchHistory())}\n`)
}

try {
  const { serverId, vhostIds } = await createDeadServer(agent, 'dead', ['a.example.org', 'b.example.org'])
  const bring = (name: string, host: string, vhostId: string | undefined) =>
    call('POST', '/api/certificates/import', { name, pem: createPem(host), vhost_ids: [vhostId] })
  const a = (await bring('a', 'a.example.org', vhostIds[0])).body.id
  const replaced = await newest('deploy')
  await untilOperation(call, replaced, isTried)
  const again = (await call('POST', `/api/certificates/${a}/deploy`, {})).body.id
  await untilOperation(call, replaced, isOver)
  await record('deploy-replaced', replaced)
  await cancel(again)
  await record('deploy-cancelled', again)
  const b = (await bring('b', 'b.example.org', vhostIds[1])).body.id
  const batch = (
    await call('POST', '/api/certificates/batch', {
      action: 'deploy',
      certificate_ids: [a, b],
      concurrency: 1,
    })
  ).body.id
  await untilOperation(call, batch, isOver)
  await record('batch', batch)
  // An account whose CA nobody answers for.
  const credential = agent.broker.add({
    ...{ projectId: agent.projectId, name: 'account', type: 'acme_account', secret: { private_key: 'x' } },
  })
  await agent.owner.query(
    `INSERT INTO cert_agent.acme_accounts (project_id, name, directory_url, credential_id, is_default, created_by)
     VALUES ($1, 'ca', 'https://127.0.0.1:1/dir', $2, true, 'test')`,
    [agent.projectId, credential.id],
  )
  const issued = await call('POST', '/api/certificates', { name: 'c', names: ['c.example.org'] })
  await untilOperation(call, issued.body.id, (operation) => isTried(operation) || isOver(operation))
  await call('POST', `/api/certificates/operations/${issued.body.id}/cancel`)
  await untilOperation(call, issued.body.id, isOver)
  await record('issue', issued.body.id)
  const discovery = await call('POST', `/api/servers/${serverId}/discover`, {})
  await untilOperation(call, discovery.body.id, isOver)
  await record('discover-failed', discovery.body.id)
} finally {
  await agent.stop()
}
process.exit(0)
