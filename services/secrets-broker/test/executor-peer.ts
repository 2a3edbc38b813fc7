import { randomUUID } from 'node:crypto'
import {
  type CheckResult,
  getPinnedRunEndpoint,
  type PinnedRun,
  runCheckEndpoint,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { internalRoute } from '@opsconductor/service-kit'
import { servePeer } from '@opsconductor/test-peers'
import type { z } from 'zod'

type CheckRequest = z.infer<typeof runCheckEndpoint.request>
type NewRun = Partial<PinnedRun> & Pick<PinnedRun, 'project_id' | 'steps'>

/** The executor's internal listener as the broker sees it, with runs in memory. */
export async function startExecutorPeer() {
  const runs = new Map<string, PinnedRun>()
  const asked: string[] = []
  let answerCheck: (request: CheckRequest) => Promise<CheckResult> = async () => ({ ok: true, latency_ms: 1 })
  const listening = await servePeer('executor', [
    internalRoute(getPinnedRunEndpoint, async ({ params }) => {
      asked.push(params.id as string)
      const run = runs.get(params.id as string)
      if (run === undefined) throw new AppError('not_found', 'There is no such run.')
      return run
    }),
    internalRoute(runCheckEndpoint, ({ request }) => answerCheck(request)),
  ])
  return {
    url: listening.url,
    /** The runs that the broker asked about, in order. */
    asked,
    add(run: NewRun): PinnedRun {
      const added = {
        run_id: randomUUID(),
        job_id: randomUUID(),
        job_version: 1,
        status: 'running' as const,
        ...run,
      }
      runs.set(added.run_id, added)
      return added
    },
    /** What `use` takes for a run with one step that names the credential. */
    useOf(projectId: string, credential: string, stepId = 's') {
      const { run_id } = this.add({
        project_id: projectId,
        steps: [{ id: stepId, type: 'http.get', credentials: [credential] }],
      })
      return { project_id: projectId, run_id, step_id: stepId }
    },
    onCheck(answer: typeof answerCheck) {
      answerCheck = answer
    },
    close: () => listening.close(),
  }
}
