import { Id, JobDefinition, type PageQuery } from '@opsconductor/contracts'
import { refuseTaken } from '@opsconductor/database'
import { publishEvent } from '@opsconductor/events'
import { pageArguments } from '@opsconductor/service-kit'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export interface Job {
  id: string
  projectId: string
  name: string
  description: string | null
  version: number
  definition: JobDefinition
  createdAt: Date
  updatedAt: Date
}

export interface JobDraft {
  name: string
  description: string | null
  definition: JobDefinition
  by: string
}

type Executed = { topic: string; key: string }

/** The database side of jobs. A job's versions never change and are never deleted. */
export function createJobStore(prisma: PrismaClient) {
  async function find(projectId: string, id: string, version?: number): Promise<Job | undefined> {
    const row = await prisma.job.findFirst({ where: { id, projectId } })
    if (row === null) return undefined
    const wanted = version ?? row.latestVersion
    const found = await prisma.jobVersion.findUnique({
      where: { jobId_version: { jobId: id, version: wanted } },
    })
    return found === null ? undefined : toJob(row, found)
  }

  return {
    find,

    /** The same by the job's id or its name. */
    async findNamed(projectId: string, job: string, version?: number): Promise<Job | undefined> {
      const byId = Id.safeParse(job).success ? await find(projectId, job.toLowerCase(), version) : undefined
      if (byId !== undefined) return byId
      const row = await prisma.job.findFirst({ where: { projectId, name: job }, select: { id: true } })
      return row === null ? undefined : await find(projectId, row.id, version)
    },

    /** Writes the job with its first version and announces the event in the same transaction. */
    async insert(projectId: string, draft: JobDraft, event: Executed): Promise<Job> {
      return await prisma
        .$transaction(async (tx) => {
          const row = await tx.job.create({
            data: {
              projectId,
              name: draft.name,
              description: draft.description,
              latestVersion: 1,
              createdBy: draft.by,
              versions: { create: versionOf(1, draft) },
            },
            include: { versions: true },
          })
          await publishEvent((sql, ...values) => tx.$executeRawUnsafe(sql, ...values), event)
          return toJob(row, row.versions[0] as VersionRow)
        })
        .catch(refuseTakenName)
    },

    /** Writes the job's next version; undefined where the project has no such job. */
    async addVersion(projectId: string, id: string, draft: JobDraft): Promise<Job | undefined> {
      return await prisma
        .$transaction(async (tx) => {
          // The row's lock keeps two writers from taking the same number.
          const { count } = await tx.job.updateMany({
            where: { id, projectId },
            data: {
              name: draft.name,
              description: draft.description,
              latestVersion: { increment: 1 },
              updatedAt: new Date(),
            },
          })
          if (count === 0) return undefined
          const row = await tx.job.findUniqueOrThrow({ where: { id } })
          const version = await tx.jobVersion.create({
            data: { jobId: id, ...versionOf(row.latestVersion, draft) },
          })
          return toJob(row, version)
        })
        .catch(refuseTakenName)
    },

    /** One page of the project's jobs, newest first; one more row than asked for says that there is a next page. */
    async list(projectId: string, page: PageQuery): Promise<Job[]> {
      const rows = await prisma.job.findMany({ where: { projectId }, ...pageArguments(page) })
      const versions = await prisma.jobVersion.findMany({
        where: { OR: rows.map((row) => ({ jobId: row.id, version: row.latestVersion })) },
      })
      const byJob = new Map(versions.map((version) => [version.jobId, version]))
      return rows.map((row) => toJob(row, byJob.get(row.id) as VersionRow))
    },

    /** The projects that a worker must serve. */
    async projectsWithJobs(): Promise<string[]> {
      const rows = await prisma.job.findMany({ distinct: ['projectId'], select: { projectId: true } })
      return rows.map((row) => row.projectId)
    },
  }
}

export type JobStore = ReturnType<typeof createJobStore>

type JobRow = Prisma.JobGetPayload<object>
type VersionRow = Prisma.JobVersionGetPayload<object>

const versionOf = (version: number, { definition, by }: JobDraft) => ({
  version,
  definition: definition as Prisma.InputJsonObject,
  createdBy: by,
})

function toJob(row: JobRow, version: VersionRow): Job {
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    description: row.description,
    version: version.version,
    definition: JobDefinition.parse(version.definition),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}

const refuseTakenName = refuseTaken('The project has a job of this name already.')
