import type {
  ListRuns,
  PinnedRun,
  RunFailure,
  RunStatus,
  RunTrigger,
  StepStatus,
} from '@opsconductor/contracts'
import { pageArguments } from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export interface Run {
  id: string
  jobId: string
  jobVersion: number
  projectId: string
  status: RunStatus
  trigger: RunTrigger
  input: unknown
  output: unknown
  error: RunFailure | null
  parentRunId: string | null
  workflowId: string
  bodyHash: string | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
}

export interface StepAttempt {
  id: string
  stepId: string
  /** Empty outside of loops. */
  item: string
  type: string
  status: StepStatus
  attempt: number
  output: unknown
  error: RunFailure | null
  progress: unknown
  startedAt: Date | null
  finishedAt: Date | null
}

export type NewRun = Pick<
  Run,
  'id' | 'jobId' | 'jobVersion' | 'projectId' | 'trigger' | 'input' | 'workflowId' | 'bodyHash'
>

/** A run of loops may have tens of thousands. */
const shownStepsMax = 2_000

/** Runs as the API sees them. While a run runs, its worker writes its rows (run-job/store.ts). */
export function createRunStore(prisma: PrismaClient) {
  return {
    /** Writes the run as queued unless it is there already; answers the row that stands. */
    async ensure(run: NewRun): Promise<Run> {
      const data = { ...run, status: 'queued', input: run.input as Prisma.InputJsonValue }
      await prisma.jobRun.createMany({ data: [data], skipDuplicates: true })
      return toRun(await prisma.jobRun.findUniqueOrThrow({ where: { id: run.id } }))
    },

    /** Forgets a run that never came to Temporal. */
    async removeQueued(id: string): Promise<void> {
      await prisma.jobRun.deleteMany({ where: { id, status: 'queued' } })
    },

    /** Ends a run that no workflow will ever take up, or end; false where it has ended. */
    async cancelAbandoned(id: string, error: RunFailure): Promise<boolean> {
      const data = { status: 'cancelled', error: { ...error }, finishedAt: new Date() }
      const [{ count }] = await prisma.$transaction([
        prisma.jobRun.updateMany({ where: { id, status: { in: ['queued', 'running'] } }, data }),
        prisma.jobRunStep.updateMany({ where: { runId: id, status: 'running' }, data }),
      ])
      return count > 0
    },

    async find(projectId: string, id: string): Promise<Run | undefined> {
      const row = await prisma.jobRun.findFirst({ where: { id, projectId } })
      return row === null ? undefined : toRun(row)
    },

    /** Whatever its project. The definition's inputs stay where they are: a job may hold megabytes of them. */
    async findPinned(id: string): Promise<PinnedRun | undefined> {
      const rows = await prisma.$queryRaw<PinnedRun[]>`
        SELECT r.id AS run_id, r.project_id, r.job_id, r.job_version, r.status, (
          SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
            'id', step->'id', 'type', step->'type', 'connector', step->'connector', 'credentials',
            array_remove(ARRAY[step->>'credential', step->>'client_certificate'], NULL) || ARRAY(
              SELECT bastion.credential::text FROM executor.bastions bastion
              WHERE bastion.project_id = r.project_id AND step->'via' ? bastion.name))))
          FROM unnest(ARRAY[
            '$.steps[*]', '$.steps[*].steps[*]', '$.steps[*].steps[*].steps[*]',
            '$.finally[*]', '$.finally[*].steps[*]', '$.finally[*].steps[*].steps[*]'
          ]::jsonpath[]) place, jsonb_path_query(v.definition, place) step
        ) AS steps
        FROM executor.job_runs r
        JOIN executor.job_versions v ON v.job_id = r.job_id AND v.version = r.job_version
        WHERE r.id = ${id}::uuid`
      return rows[0]
    },

    async stepsOf(runId: string): Promise<StepAttempt[]> {
      const rows = await prisma.jobRunStep.findMany({
        where: { runId },
        orderBy: [{ position: 'asc' }, { attempt: 'asc' }, { id: 'asc' }],
        take: shownStepsMax,
      })
      return rows.map(toStep)
    },

    async list(projectId: string, { job_id, status, ...page }: z.infer<typeof ListRuns>): Promise<Run[]> {
      const rows = await prisma.jobRun.findMany({
        where: {
          projectId,
          ...(job_id === undefined ? {} : { jobId: job_id }),
          ...(status === undefined ? {} : { status }),
        },
        ...pageArguments(page),
      })
      return rows.map(toRun)
    },
  }
}

export type RunStore = ReturnType<typeof createRunStore>

function toRun(row: Prisma.JobRunGetPayload<object>): Run {
  return {
    ...row,
    status: row.status as RunStatus,
    trigger: row.trigger as RunTrigger,
    error: row.error as RunFailure | null,
  }
}

function toStep(row: Prisma.JobRunStepGetPayload<object>): StepAttempt {
  return {
    id: row.id.toString(),
    stepId: row.stepId,
    item: row.item,
    type: row.type,
    status: row.status as StepStatus,
    attempt: row.attempt,
    output: row.output,
    error: row.error as RunFailure | null,
    progress: row.progress,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  }
}
