import { setTimeout as delay } from 'node:timers/promises'
import type { Deps } from '../deps.ts'

type Needed = Pick<Deps, 'operations' | 'deployments' | 'turns'>

const soonMs = 200
const never = new AbortController().signal

/**
 * For those who watch the operation: how many of its deployments are where. One report at a time, which is for all who ask
 * before it begins, as many deployments of one operation go on at once.
 */
export const reportDeployments = (deps: Needed, operationId: string): Promise<void> =>
  deps.turns.share(`report:${operationId}`, never, () => report(deps, operationId))

/** The same for what is over in a moment: the states that a deployment goes through are told of as one. */
export const reportDeploymentsSoon = (deps: Needed, operationId: string): Promise<void> =>
  deps.turns.share(`report-soon:${operationId}`, never, async () => {
    await delay(soonMs, undefined, { ref: false })
    await reportDeployments(deps, operationId)
  })

async function report(deps: Needed, operationId: string): Promise<void> {
  const deployments = await deps.deployments.listOfOperation(operationId)
  const isLive = ({ state }: { state: string }) => state === 'live'
  const waiting = deployments.filter((one) => !isLive(one)).sort((a, b) => b.attempts - a.attempts)
  await deps.operations.report(operationId, {
    step: waiting[0]?.state ?? 'live',
    done: deployments.filter(isLive).length,
    total: deployments.length,
    attempts: Math.max(0, ...waiting.map(({ attempts }) => attempts)),
    error: waiting.find(({ lastError }) => lastError !== null)?.lastError ?? null,
  })
}
