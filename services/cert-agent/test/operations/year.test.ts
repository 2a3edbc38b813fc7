import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { toAppError } from '@opsconductor/errors'
import { endOperation } from '../../src/operations/end-operation.ts'
import { openOperation } from '../../src/operations/open-operation.ts'
import { performOperation } from '../../src/operations/perform-operation.ts'
import { postponeOperation } from '../../src/operations/postpone-operation.ts'
import type { OperationOutcome } from '../../src/operations/store.ts'
import { refreshRenewalInfo, scheduleRenewals } from '../../src/renewal/chores.ts'
import { type FailedAttempt, pursue } from '../../src/workflow/pursue.ts'
import { type AgentWithCa, startAgentWithCa } from '../issuing/agent-with-ca.ts'
import { wishCertificate } from '../issuing/support.ts'
import { createDatedCa } from './dated-ca.ts'

// A year of one certificate through the service itself: its chores, its rows, its orders at a CA over HTTPS, and the workflow's own
// loop, under a clock that jumps from what happens to what happens next. `renewal/simulated-year.test.ts` lives many years by the
// functions alone.

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const choreMs = 30_000
const { signal } = new AbortController()
const dated = createDatedCa()
let clock = Date.now()
let started: AgentWithCa
let ca: AgentWithCa['ca']
let agent: AgentWithCa['agent']
let acmeAccountId: string
beforeAll(async () => {
  started = await startAgentWithCa({ isIdle: true, now: () => new Date(clock) })
  ;({ ca, agent, acmeAccountId } = started)
}, 60_000)
afterAll(async () => {
  await started?.stop()
  dated.close()
})

const rowOf = (id: string) => agent.deps.prisma.certificate.findUniqueOrThrow({ where: { id } })

/** The CA signs for so many days; it is away for `awayDays` at the end of each `everyDays`. */
function setWorld(days: number, outages: { awayDays: number; everyDays: number }, startedAt: number) {
  ca.behave()
  ca.issue((csrPem) => {
    const notBefore = Math.floor(clock / 1_000) * 1_000 - hourMs
    return dated.sign(csrPem, notBefore, notBefore + days * dayMs)
  })
  const isAway = () =>
    (clock - startedAt) % (outages.everyDays * dayMs) > (outages.everyDays - outages.awayDays) * dayMs
  for (const path of ['/dir', '/order', '/order/1', '/finalize', '/certificate'])
    ca.misbehave(path, () => (isAway() ? { status: 503, body: {} } : undefined))
}

const failedAttempt = (error: unknown): FailedAttempt => {
  const { code, message, retryable, retryAfterSeconds } = toAppError(error)
  const asked = retryAfterSeconds === undefined ? {} : { askedMs: retryAfterSeconds * 1_000 }
  return { code, message, retryable, ...asked }
}

/** What the operation's workflow does. */
async function run(operationId: string): Promise<void> {
  const { deps } = agent
  const plan = await openOperation(deps, operationId)
  if (plan === null) return
  const done = await pursue({
    ...{ begun: plan.pursued, expiresAt: plan.expiresAt },
    attempt: () =>
      performOperation(deps, operationId, signal).then((result) => ({ end: result }), failedAttempt),
    isFinal: ({ retryable }) => !retryable,
    postpone: (next, failure) => postponeOperation(deps, operationId, next, failure),
    ...{ settle: async () => {}, isToLeave: () => false },
    async wait(ms) {
      clock += ms
    },
    now: () => clock,
  })
  if (typeof done === 'symbol') throw new Error('it does not leave')
  const outcome =
    'end' in done ? { state: 'succeeded', result: done.end } : { state: 'failed', error: done.failure }
  await endOperation(deps, operationId, outcome as OperationOutcome)
}

test.each([
  // A quarter of a year: some thirty renewals, more than the others have in a year.
  { days: 6, livedDays: 91, awayDays: 2.5, everyDays: 20 },
  { days: 45, livedDays: 365, awayDays: 3, everyDays: 10 },
  { days: 64, livedDays: 365, awayDays: 3, everyDays: 10 },
  { days: 90, livedDays: 365, awayDays: 3, everyDays: 10 },
])(
  '004.15 a certificate of $days days is renewed for $livedDays days, in time and seldom enough, whose CA is away for $awayDays of $everyDays days',
  async ({ days, livedDays, ...outages }) => {
    const startedAt = clock
    setWorld(days, outages, startedAt)
    const { projectId } = agent
    const id = await wishCertificate({ agent }, { names: ['a.example.test'], acmeAccountId })
    const first = await agent.deps.operations.insert({
      ...{ projectId, kind: 'issue', actor: 'test', certificateId: id, request: { from_version: 0 } },
    })
    await run(first.id)
    while (clock < startedAt + livedDays * dayMs) {
      const { renewAt, lastError } = await rowOf(id)
      if (renewAt === null) throw new Error(`it would never be renewed again: ${JSON.stringify(lastError)}`)
      clock = Math.max(clock, renewAt.getTime()) + choreMs
      await refreshRenewalInfo(agent.deps, signal)
      await scheduleRenewals(agent.deps)
      const renewal = await agent.deps.operations.findOpen(id, ['renew'])
      if (renewal !== undefined) await run(renewal.id)
    }
    const { rows } = await agent.owner.query<{ not_before: Date; not_after: Date }>(
      'SELECT not_before, not_after FROM cert_agent.certificate_versions WHERE certificate_id = $1 ORDER BY version',
      [id],
    )
    for (const [index, { not_after }] of rows.entries()) {
      const next = rows[index + 1]
      // The next one is signed an hour before it begins.
      if (next !== undefined) expect(next.not_before.getTime() + hourMs).toBeLessThan(not_after.getTime())
    }
    expect(rows.at(-1)?.not_after.getTime()).toBeGreaterThan(clock)
    expect(rows.length).toBeLessThan(livedDays / (days * 0.44) + 2)
    expect(await agent.deps.prisma.operation.count({ where: { certificateId: id, state: 'failed' } })).toBe(0)
  },
  60_000,
)
