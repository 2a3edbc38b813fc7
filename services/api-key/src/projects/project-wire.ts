import type { Project as ProjectContract } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Project } from './store.ts'

export const projectToWire = (project: Project): z.input<typeof ProjectContract> => ({
  id: project.id,
  name: project.name,
  created_at: project.createdAt.toISOString(),
  updated_at: project.updatedAt.toISOString(),
})
