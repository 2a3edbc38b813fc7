import { Id } from '@opsconductor/contracts'
import type { ExecutorEvents } from '../events.ts'
import type { JobStore } from '../jobs/store.ts'
import type { ProjectWorkers } from './project-workers.ts'

const retryMs = 2_000

/** Gives every project with a job its worker: all at start and after lost events, one when it gets its first job. */
export function serveActiveProjects(options: {
  jobs: Pick<JobStore, 'projectsWithJobs'>
  workers: Pick<ProjectWorkers, 'serve'>
  events: Pick<ExecutorEvents, 'projectsNotListed'>
}) {
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  function serve(projectId: string): void {
    // Any role of the database may notify, so a key is not trusted to be a project's id.
    if (!Id.safeParse(projectId).success) return
    // The worker's own loop reports and repeats what fails.
    options.workers.serve(projectId).catch(() => {})
  }

  async function serveAll(): Promise<void> {
    clearTimeout(timer)
    try {
      for (const projectId of await options.jobs.projectsWithJobs()) serve(projectId)
    } catch (error) {
      if (stopped) return
      options.events.projectsNotListed(error)
      timer = setTimeout(() => void serveAll(), retryMs)
    }
  }

  return {
    serve,
    serveAll: () => void serveAll(),
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
