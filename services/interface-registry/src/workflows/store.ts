import type { PageQuery } from '@opsconductor/contracts'
import { pageArguments } from '@opsconductor/service-kit'
import type { PrismaClient } from '../generated/client.ts'

export interface WorkflowRecord {
  id: string
  projectId: string
  name: string
  kind: 'job' | 'workflow'
  jobId: string | null
  jobVersion: number | null
  workflowType: string
  taskQueue: string
  /** The one execution of a long-lived workflow; null for a job. */
  workflowId: string | null
  createdAt: Date
  updatedAt: Date
}

export type NewWorkflow = Omit<WorkflowRecord, 'id' | 'createdAt' | 'updatedAt'>

type Row = Omit<WorkflowRecord, 'kind'> & { kind: string }
const toRecord = (row: Row): WorkflowRecord => ({ ...row, kind: row.kind as WorkflowRecord['kind'] })

export async function insertWorkflow(prisma: PrismaClient, workflow: NewWorkflow): Promise<WorkflowRecord> {
  return toRecord(await prisma.workflow.create({ data: workflow }))
}

export async function selectWorkflow(
  prisma: PrismaClient,
  projectId: string,
  id: string,
): Promise<WorkflowRecord | undefined> {
  const row = await prisma.workflow.findFirst({ where: { id, projectId } })
  return row === null ? undefined : toRecord(row)
}

/** Newest first, one more than asked for. */
export async function selectWorkflows(
  prisma: PrismaClient,
  projectId: string,
  page: PageQuery,
): Promise<WorkflowRecord[]> {
  const rows = await prisma.workflow.findMany({ where: { projectId }, ...pageArguments(page) })
  return rows.map(toRecord)
}

export async function selectWorkflowIds(prisma: PrismaClient, projectId: string): Promise<string[]> {
  const rows = await prisma.workflow.findMany({ where: { projectId }, select: { id: true } })
  return rows.map(({ id }) => id)
}

export async function removeWorkflow(prisma: PrismaClient, id: string): Promise<void> {
  await prisma.workflow.deleteMany({ where: { id } })
}
