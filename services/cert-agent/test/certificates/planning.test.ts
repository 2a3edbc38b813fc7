import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { renewalIdOf } from '../../src/acme/renewal-info.ts'
import { endOperation } from '../../src/operations/end-operation.ts'
import { performOperation } from '../../src/operations/perform-operation.ts'
import { refreshRenewalInfo, scheduleRenewals } from '../../src/renewal/chores.ts'
import { planRenewal } from '../../src/renewal/plan-renewal.ts'
import { type AgentWithCa, startAgentWithCa } from '../issuing/agent-with-ca.ts'
import { issue, wishCertificate } from '../issuing/support.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const { signal } = new AbortController()
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
})

/** A certificate of a day, from now on. */
async function addIssued() {
  // The CA counts whole seconds, and from now on.
  clock = Date.now() + 60_000
  const id = await wishCertificate({ agent }, { names: ['a.example.test'], acmeAccountId })
  const { stored } = await issue({ agent }, id)
  const path = `/renewal-info/${renewalIdOf(stored.certificatePem)}`
  const row = () => agent.deps.prisma.certificate.findUniqueOrThrow({ where: { id } })
  return { id, path, row }
}
const windowAt = (start: number, end: number) => () => ({
  status: 200,
  body: {
    suggestedWindow: { start: new Date(start).toISOString(), end: new Date(end).toISOString() },
  },
})

test.each([
  ['is away', () => ({ status: 503, body: {} }), 1.1],
  ['does not know of it yet', () => ({ status: 404, body: {} }), 24.1],
])('a CA that %s just after it issued a certificate is asked again, and heeded', async (_, answer, hours) => {
  const { id, path, row } = await addIssued()
  ca.misbehave(path, answer)
  await planRenewal(agent.deps, id, signal)
  const byLifetime = (await row()).renewAt as Date
  expect(byLifetime.getTime()).toBeGreaterThan(clock)
  const recalled = clock + 2 * hourMs
  ca.misbehave(path, windowAt(recalled, recalled + 1_000))
  await refreshRenewalInfo(agent.deps, signal)
  expect((await row()).renewAt).toEqual(byLifetime)
  clock += hours * hourMs
  await refreshRenewalInfo(agent.deps, signal)
  const renewAt = (await row()).renewAt?.getTime() ?? 0
  expect(renewAt).toBeGreaterThanOrEqual(recalled)
  expect(renewAt).toBeLessThanOrEqual(recalled + 1_000)
})

test('what a CA says of a version that is not the newest any more, or is revoked, plans nothing', async () => {
  const { id, path, row } = await addIssued()
  for (const change of [{ version: { increment: 1 } }, { state: 'revoked' }, { autoRenew: false }]) {
    await agent.deps.prisma.certificate.update({
      where: { id },
      data: { version: 1, state: 'valid', autoRenew: true, renewAt: null },
    })
    ca.misbehave(path, async () => {
      await agent.deps.prisma.certificate.update({ where: { id }, data: change })
      return windowAt(clock - dayMs, clock - hourMs)()
    })
    await planRenewal(agent.deps, id, signal)
    expect((await row()).renewAt).toBeNull()
  }
})

test('a renewal that is refused is made anew within six hours; one that nobody needed yet changes no plan', async () => {
  const { id, row } = await addIssued()
  const fail = async (actor: string, state: 'failed' | 'cancelled') => {
    const { projectId } = agent
    const operation = await agent.deps.operations.insert(
      { projectId, kind: 'renew', actor, certificateId: id },
      'running',
    )
    await endOperation(agent.deps, operation.id, { state, error: { code: 'target_refused', message: 'no' } })
    return ((await row()).renewAt?.getTime() ?? 0) - clock
  }
  const set = (inMs: number) =>
    agent.deps.prisma.certificate.update({ where: { id }, data: { renewAt: new Date(clock + inMs) } })
  await set(-hourMs)
  expect(await fail('schedule', 'failed')).toBe(6 * hourMs)
  await set(-hourMs)
  expect(await fail('schedule', 'cancelled')).toBe(dayMs)
  await set(60 * dayMs)
  expect(await fail('user:somebody', 'cancelled')).toBe(60 * dayMs)
  expect(await fail('user:somebody', 'failed')).toBe(60 * dayMs)
})

test('of what is due nothing is begun twice, nor beside what is under way', async () => {
  const { id } = await addIssued()
  const renewals = () => agent.deps.prisma.operation.findMany({ where: { certificateId: id, kind: 'renew' } })
  await agent.deps.prisma.certificate.update({ where: { id }, data: { renewAt: new Date(clock) } })
  await agent.deps.prisma.operation.deleteMany({ where: { certificateId: id } })
  await Promise.all(Array.from({ length: 5 }, () => scheduleRenewals(agent.deps)))
  clock += hourMs
  await scheduleRenewals(agent.deps)
  expect(await renewals()).toMatchObject([{ actor: 'schedule', request: { from_version: 1 } }])
})

test('a renewal by schedule that waits to be tried again is over when the certificate is revoked', async () => {
  const { id, row } = await addIssued()
  ca.misbehave('/revoke', () => ({ status: 200, body: {} }))
  const { projectId, deps } = agent
  const insert = (kind: 'renew' | 'revoke', actor: string) =>
    deps.operations.insert(
      { projectId, kind, actor, certificateId: id, request: { version: 1, reason: 'superseded' } },
      'running',
    )
  const waiting = await insert('renew', 'schedule')
  const revocation = await insert('revoke', 'test')
  await performOperation(deps, revocation.id, signal)
  expect((await deps.operations.findById(waiting.id))?.state).toBe('cancelled')
  expect(await row()).toMatchObject({ state: 'revoked', renewAt: null })
})
