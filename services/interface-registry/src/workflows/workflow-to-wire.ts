import type { Workflow } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { WorkflowRecord } from './store.ts'

export const workflowToWire = (workflow: WorkflowRecord): z.infer<typeof Workflow> => ({
  id: workflow.id,
  project_id: workflow.projectId,
  name: workflow.name,
  kind: workflow.kind,
  job_id: workflow.jobId,
  job_version: workflow.jobVersion,
  workflow_type: workflow.workflowType,
  task_queue: workflow.taskQueue,
  workflow_id: workflow.workflowId,
  created_at: workflow.createdAt.toISOString(),
  updated_at: workflow.updatedAt.toISOString(),
})
