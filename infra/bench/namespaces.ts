import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { namespaceOf, runJobWorkflow } from '@opsconductor/contracts'
import { connectTemporal, ensureNamespace, type Temporal } from '@opsconductor/temporal'
import pg from 'pg'
import { residentBytesOf } from '../local/process-identity.ts'
import type { Stack } from '../local/stack.ts'

const projects = 50
const active = 10
const runsPerProject = 10
const settleMs = 5_000

export interface NamespacesResult {
  projects: number
  active: number
  bytesBefore: number
  bytesAsleep: number
  bytesActive: number
  /** Of one core, while the active ones do nothing. */
  idleShare: number
}

const definition = { input_schema: {}, steps: [{ id: 'a', type: 'set', input: { values: { done: true } } }] }

/** Resident memory of the executor: with many projects that nobody uses, and after some of them have run jobs. */
export async function benchNamespaces({ backing, children }: Stack): Promise<NamespacesResult> {
  const pid = children.find(({ name }) => name === 'executor')?.pid() ?? 0
  const resident = () => residentBytesOf(pid) ?? 0
  const owner = new pg.Client({ connectionString: backing.databaseUrl })
  const temporal = connectTemporal({ address: backing.temporalAddress })
  await owner.connect()
  try {
    const bytesBefore = resident()
    const ids = await makeProjects(owner, temporal)
    await delay(settleMs)
    const bytesAsleep = resident()
    await Promise.all(ids.slice(0, active).map((projectId) => runJobs(temporal, projectId)))
    const cpuSince = cpuSeconds(pid)
    await delay(settleMs)
    return {
      projects,
      active,
      bytesBefore,
      bytesAsleep,
      bytesActive: resident(),
      idleShare: (cpuSeconds(pid) - cpuSince) / (settleMs / 1000),
    }
  } finally {
    await temporal.close()
    await owner.end()
  }
}

/** Past the APIs, which would wake each. The executor learns of them as after any gap in its events. */
async function makeProjects(owner: pg.Client, temporal: Temporal): Promise<string[]> {
  const ids = Array.from({ length: projects }, () => randomUUID())
  for (const id of ids) {
    await owner.query('INSERT INTO api_key.projects (id, name) VALUES ($1, $2)', [id, `bench ${id}`])
    await owner.query(
      `WITH job AS (
         INSERT INTO executor.jobs (project_id, name, latest_version, created_by) VALUES ($1, 'bench', 1, 'bench') RETURNING id)
       INSERT INTO executor.job_versions (job_id, version, definition, created_by)
       SELECT id, 1, $2, 'bench' FROM job`,
      [id, definition],
    )
    await ensureNamespace(temporal.connection, namespaceOf(id))
  }
  await owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'svc_executor' AND query LIKE 'LISTEN%'`,
  )
  return ids
}

async function runJobs(temporal: Temporal, projectId: string): Promise<void> {
  const { workflow } = temporal.clientFor(namespaceOf(projectId))
  await Promise.all(
    Array.from({ length: runsPerProject }, () =>
      workflow.execute(runJobWorkflow.type, {
        taskQueue: runJobWorkflow.taskQueue,
        workflowId: randomUUID(),
        args: [{ job: 'bench' }],
      }),
    ),
  )
}

/** User and system time of a process (proc(5), 14 and 15, in hundredths of a second). */
function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}
