import { setTimeout as delay } from 'node:timers/promises'
import { Id } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { temporalUnavailable } from '@opsconductor/temporal'
import type { ExecutorEvents } from '../events.ts'
import type { JobStore } from '../jobs/store.ts'
import type { Use } from './look-up-use.ts'
import type { ProjectWorkers } from './project-workers.ts'

/** So long may a run wait that was started past us in a project without a worker. */
const lookEveryMs = 2_000

export interface FollowUseOptions {
  jobs: Pick<JobStore, 'projectsWithJobs'>
  workers: Pick<ProjectWorkers, 'serve' | 'serves' | 'unused' | 'rest'>
  events: Pick<ExecutorEvents, 'projectsNotListed' | 'useNotKnown'>
  /** Makes the project's namespace where there is none. */
  ensureNamespace(projectId: string): Promise<unknown>
  useOf(projectId: string, recentMs: number): Promise<Use>
  idleMs: number
}

/**
 * Gives projects their workers when they are used, and lets the workers of those rest that are not. Of most uses an event
 * tells; runs that other clients of Temporal start are looked for.
 */
export function followUse({ jobs, workers, events, ensureNamespace, useOf, idleMs }: FollowUseOptions) {
  const known = new Set<string>()
  const withNamespace = new Set<string>()
  let isListed = false
  let stopped = false
  let again = new AbortController()
  let isLooking = false

  function serve(projectId: string): void {
    // Any role of the database may notify, so a key is not trusted to be a project's id.
    if (stopped || !Id.safeParse(projectId).success) return
    known.add(projectId)
    // The worker's own loop reports and repeats what fails.
    workers.serve(projectId).catch(() => {})
  }

  async function list(): Promise<void> {
    isListed = true
    try {
      for (const projectId of await jobs.projectsWithJobs()) known.add(projectId)
    } catch (error) {
      isListed = false
      if (!stopped) events.projectsNotListed(error)
    }
  }

  async function lookAt(projectId: string): Promise<void> {
    // A namespace that is asked for before it was made stays unknown to Temporal for seconds, also to the first run.
    if (!withNamespace.has(projectId)) await ensureNamespace(projectId)
    withNamespace.add(projectId)
    switch (await useOf(projectId, idleMs)) {
      case 'used':
        return serve(projectId)
      case 'no_namespace':
        known.delete(projectId)
        withNamespace.delete(projectId)
        break
    }
    workers.rest(projectId, idleMs)
  }

  async function look(): Promise<void> {
    if (!isListed) await list()
    const asleep = [...known].filter((projectId) => !workers.serves(projectId))
    for (const projectId of new Set([...workers.unused(idleMs), ...asleep])) {
      if (stopped) return
      try {
        await lookAt(projectId)
      } catch (error) {
        if (!stopped) events.useNotKnown(error)
        if (isUnavailable(temporalUnavailable(error) ?? error)) return
      }
    }
  }

  async function keepLooking(): Promise<void> {
    isLooking = true
    while (!stopped) {
      again = new AbortController()
      await look()
      await delay(lookEveryMs, undefined, { signal: again.signal }).catch(() => {})
    }
  }

  return {
    /** The project is in use. */
    serve,
    /** The project is no more. */
    forget(projectId: string) {
      known.delete(projectId)
      workers.rest(projectId, 0)
    },
    /** Events may have been missed: looks at every project with a job, now. */
    lookAtAll() {
      isListed = false
      again.abort()
      if (!isLooking) void keepLooking()
    },
    stop() {
      stopped = true
      again.abort()
    },
  }
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'service_unavailable'
