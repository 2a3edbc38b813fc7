import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { tellExpiry } from '../../src/watching/tell-expiry.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { dayFromNow, issue, rowsOf } from './fleet.ts'

const dayMs = 86_400_000
let agent: AgentUnderTest
let projectId: string
let rows: ReturnType<typeof rowsOf>
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
})
afterAll(() => agent?.stop())
beforeEach(async () => {
  projectId = (await agent.createProject()).projectId
  rows = rowsOf(agent, projectId)
})

const wish = (expiry_days: number[]) =>
  agent.deps.notifications.putSettings(
    projectId,
    { webhooks: [], chats: [], emails: null, expiry_days },
    'test',
  )
const lookAt = (day: number) => tellExpiry({ ...agent.deps, now: () => new Date(Date.now() + day * dayMs) })
const told = async () => {
  const { rows: all } = await agent.owner.query(
    `SELECT key, payload ->> 'title' AS title FROM cert_agent.notifications WHERE project_id = $1 ORDER BY created_at`,
    [projectId],
  )
  return all as { key: string; title: string }[]
}

test('004.LOG-2 004.LOG-3 a certificate that nothing renews is told of once at each of the days, and once when it has ended', async () => {
  await wish([14, 3])
  const { id, name } = await rows.addCertificate(issue(['www.example.test']))
  for (let day = 0; day <= 84; day++) await lookAt(day)
  expect(await told()).toEqual([
    { key: `certificate_expiring:${id}:14:v1`, title: expect.stringContaining(name) },
    { key: `certificate_expiring:${id}:3:v1`, title: expect.stringContaining('expires in ') },
    { key: `certificate_expired:${id}:expired:v1`, title: `The certificate ${name} has expired` },
  ])
})

test('one of six days that is renewed in time is told of by nobody, whatever days are wished; one that is overdue is', async () => {
  await wish([30, 14, 7])
  const dates = { notBefore: dayFromNow(-3), notAfter: dayFromNow(3) }
  const renewed = issue(['www.example.test'], dates)
  await rows.addCertificate(renewed, { renewAt: new Date(dayFromNow(1)) })
  await lookAt(0.9)
  expect(await told()).toEqual([])
  await lookAt(1.5)
  expect((await told()).map(({ key }) => key.split(':')[2])).toEqual(['7'])
})

test('a new version is told of anew, one that was revoked or whose project is told nothing never', async () => {
  const silent = await agent.createProject()
  const ended = issue(['www.example.test'], { notAfter: dayFromNow(-1) })
  await rowsOf(agent, silent.projectId).addCertificate(ended)
  await wish([7])
  const { id } = await rows.addCertificate(ended)
  const revoked = await rows.addCertificate(ended)
  await agent.deps.certificates.setState(revoked.id, { state: 'revoked' })
  await lookAt(0)
  await agent.deps.prisma.certificateVersion.update({
    where: { certificateId_version: { certificateId: id, version: 1 } },
    data: { version: 2 },
  })
  await agent.deps.prisma.certificate.update({ where: { id }, data: { version: 2 } })
  await lookAt(0)
  expect((await told()).map(({ key }) => key)).toEqual([
    `certificate_expired:${id}:expired:v1`,
    `certificate_expired:${id}:expired:v2`,
  ])
  const { rows: others } = await agent.owner.query(
    'SELECT FROM cert_agent.notifications WHERE project_id = $1',
    [silent.projectId],
  )
  expect(others).toEqual([])
})

test('metrics say when certificates end, what is served, what is not live, and forget what is gone', async () => {
  const identity = issue(['www.example.test'])
  const server = await rows.addServer()
  const certificate = await rows.addCertificate(identity)
  await rows.addDeployment(certificate.id, server.id, null)
  const vhost = await rows.addVhost(server.id, { names: ['www.example.test'], probePort: 443 })
  const not_after = identity.certificate.x509.validToDate.toISOString()
  await agent.deps.prisma.vhost.update({
    where: { id: vhost.id },
    data: { state: 'ok', served: { not_after } },
  })
  const count = async () => {
    agent.deps.events.counted(await agent.deps.certificateWatch.count())
    return (await fetch(`${agent.internalUrl}/metrics`)).text()
  }
  const ends = identity.certificate.x509.validToDate.getTime() / 1000
  const labels = `certificate="${certificate.name}"`
  const text = await count()
  expect(text).toContain(`cert_not_after_seconds{${labels},project="${projectId}"} ${ends}`)
  expect(text).toContain(
    `cert_served_not_after_seconds{server="${server.name}",name="www.example.test",project="${projectId}"} ${ends}`,
  )
  expect(text).toContain(`cert_deployment_live{${labels},server="${server.name}",project="${projectId}"} 0`)
  expect(text).toMatch(/^cert_vhosts\{state="ok"\} 1$/m)
  expect(text).toMatch(/^cert_vhosts\{state="mismatch"\} 0$/m)
  await agent.deps.prisma.server.delete({ where: { id: server.id } })
  expect(await count()).not.toContain(`server="${server.name}"`)
})
