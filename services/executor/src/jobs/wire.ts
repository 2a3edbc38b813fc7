import type { Job } from './store.ts'

export const toJobWire = (job: Job) => ({
  id: job.id,
  project_id: job.projectId,
  name: job.name,
  description: job.description,
  version: job.version,
  definition: job.definition,
  created_at: job.createdAt.toISOString(),
  updated_at: job.updatedAt.toISOString(),
})
