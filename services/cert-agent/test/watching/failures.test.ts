import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { endOperation } from '../../src/operations/end-operation.ts'
import { tellFailures } from '../../src/watching/tell-failures.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { issue, rowsOf } from './fleet.ts'

let agent: AgentUnderTest
let rows: ReturnType<typeof rowsOf>
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  rows = rowsOf(agent, agent.projectId)
  const settings = { webhooks: [], chats: [], emails: null, expiry_days: [] }
  await agent.deps.notifications.putSettings(agent.projectId, settings, 'test')
})
afterAll(() => agent?.stop())

const lastError = { code: 'target_refused', message: 'The CA refused the order.', at: '2026-11-22T09:00:00Z' }
const told = async (id: string) => {
  await tellFailures(agent.deps)
  const { rows: all } = await agent.owner.query(
    'SELECT key, payload FROM cert_agent.notifications WHERE strpos(key, $1) > 0 ORDER BY created_at',
    [id],
  )
  return all
}
const addRenewal = (certificateId: string) =>
  agent.deps.operations.insert(
    { projectId: agent.projectId, kind: 'renew', actor: 'schedule', certificateId },
    'running',
  )

test('004.LOG-3 a renewal that keeps failing is told of once, from the third attempt on, with the reason', async () => {
  const { id, name } = await rows.addCertificate(issue(['www.example.test']))
  await addRenewal(id)
  await agent.deps.certificates.setState(id, { failures: 2, lastError })
  expect(await told(id)).toEqual([])
  await agent.deps.certificates.setState(id, { failures: 3, lastError })
  await told(id)
  expect(await told(id)).toEqual([
    {
      key: `certificate_renewal_failed:${id}:warning:v1`,
      payload: expect.objectContaining({
        kind: 'certificate_renewal_failed',
        text: `The certificate ${name} could not be renewed: The CA refused the order.`,
        facts: { certificate_id: id, certificate: name, version: 1, code: 'target_refused' },
      }),
    },
  ])
})

test('an issue that nobody tries again is told of at once, and one that went well since never', async () => {
  const { id } = await rows.addCertificate(issue(['www.example.test']))
  await agent.deps.prisma.certificate.update({ where: { id }, data: { version: 0 } })
  await agent.deps.certificates.setState(id, { failures: 1, state: 'failed', lastError })
  expect((await told(id)).map(({ key }) => key)).toEqual([`certificate_issue_failed:${id}:warning:v0`])
  const well = await rows.addCertificate(issue(['www.example.test']))
  expect(await told(well.id)).toEqual([])
})

test('an account whose CA asks us to wait is told of once a day', async () => {
  const account = await agent.deps.prisma.acmeAccount.create({
    data: {
      ...{ projectId: agent.projectId, name: 'ca', directoryUrl: 'https://ca.example/', createdBy: 'test' },
      ...{ credentialId: agent.projectId, blockedUntil: new Date(Date.now() + 3_600_000) },
    },
  })
  await told(account.id)
  expect((await told(account.id)).map(({ payload }) => payload.kind)).toEqual(['account_blocked'])
})

test('a revocation that is given up is told of once, with the reason', async () => {
  const { id: certificateId, name } = await rows.addCertificate(issue(['www.example.test']))
  const { projectId } = agent
  const { id } = await agent.deps.operations.insert(
    { projectId, kind: 'revoke', actor: 'test', certificateId },
    'running',
  )
  const error = { code: 'target_refused', message: 'The CA does not know it.' }
  for (let times = 0; times < 2; times++) await endOperation(agent.deps, id, { state: 'failed', error })
  expect(await told(certificateId)).toEqual([
    {
      key: `certificate_revocation_failed:${certificateId}:failed:${id}`,
      payload: expect.objectContaining({ title: `The certificate ${name} could not be revoked` }),
    },
  ])
})
