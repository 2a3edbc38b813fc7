import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { runJobWorkflow, workflowIdOf } from '@opsconductor/contracts'
import { WithStartWorkflowOperation } from '@temporalio/client'
import { connectTemporal } from '@opsconductor/temporal'
import { startChildExecutor } from './support/child-executor.ts'
import { callerAt, startNeighbours } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

test('perf', async () => {
  const n = await startNeighbours()
  const target = await startTarget((_, r) => sendJson(r, { ok: true }))
  const child = await startChildExecutor({ ...n.environment, LOG_LEVEL: 'warn', ...(process.env.CPUPROF ? { NODE_OPTIONS: '--cpu-prof --cpu-prof-dir=/tmp/h-exec/prof' } : {}) }).catch((e) => { throw e })
  const call = callerAt(child.publicUrl, n.token)
  await call('PUT', '/api/outbound-policy', { allow: [{ cidr: '127.0.0.1', ports: [target.port, Number(new URL(n.environment.DATABASE_URL).port)] }] })
  n.broker.add({ projectId: n.projectId, name: 'b', type: 'http_basic', secret: { password: 'abcdefgh' }, extra: { username: 'a' } })
  n.broker.add({ projectId: n.projectId, name: 'db', type: 'db_dsn', secret: { dsn: n.environment.DATABASE_URL } })
  const job = await call('POST', '/api/jobs', { name: 'p', steps: [{ id: 'a', type: 'http.get', credential: 'b', input: { url: target.url } }, { id: 'q', type: 'sql.query', credential: 'db', input: { sql: 'SELECT 1 AS x' } }] })
  const first = await call('POST', `/api/jobs/${job.body.id}/runs`, {})
  expect(first.status).toBe(202)
  const t = connectTemporal({ address: n.environment.TEMPORAL_ADDRESS })
  const client = t.clientFor(`project-${n.projectId}`)
  const times: number[] = []
  for (let i = 0; i < 150; i++) {
    const run_id = randomUUID()
    const s = performance.now()
    const o = await client.workflow.executeUpdateWithStart<any, any, any>('run', {
      args: [{ body_hash: 'x' }], updateId: randomUUID(),
      startWorkflowOperation: new WithStartWorkflowOperation(runJobWorkflow.type, { workflowId: workflowIdOf(run_id), taskQueue: runJobWorkflow.taskQueue, workflowIdConflictPolicy: 'USE_EXISTING', args: [{ run_id, job_id: job.body.id, version: 1, input: {}, trigger: { kind: 'api', interface_id: null, user_id: null, api_key_id: null }, body_hash: 'x' }] }),
    }) as any
    if (o.status !== 'succeeded') throw new Error(JSON.stringify(o))
    if (i >= 50) times.push(performance.now() - s)
  }
  times.sort((a, b) => a - b)
  process.stderr.write(`p50 ${times[50]?.toFixed(1)} p90 ${times[90]?.toFixed(1)}\n`)
  const wid = client.workflow.getHandle(`run-${first.body.id}`)
  const h = await wid.fetchHistory()
  process.stderr.write((h.events ?? []).map((e) => `${e.eventId} ${e.eventType} ${Number(e.eventTime?.seconds) % 1000}.${String(e.eventTime?.nanos).padStart(9, '0').slice(0, 4)}`).join('\n') + '\n')
  const { execSync } = await import('node:child_process')
  process.stderr.write(execSync('ps aux | grep executor/src/main | grep -v grep').toString())
  const s = performance.now(); await child.end('SIGTERM'); process.stderr.write(`stop ${performance.now() - s}\n`)
  await t.close(); await target.close(); await n.stop()
}, 120_000)
