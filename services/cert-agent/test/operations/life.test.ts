import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { pebbleIsMissing } from '@opsconductor/test-peers'
import { refreshRenewalInfo, scheduleRenewals } from '../../src/renewal/chores.ts'
import { type Fleet, startFleet } from '../deploying/support.ts'
import { type Issuing, startIssuing } from '../issuing/support.ts'
import { until, untilOperation } from './support.ts'

// The whole life of a certificate with a real CA, sshd and NGINX, through the API and the workflows alone.

let issuing: Issuing
let fleet: Fleet
let accountId: string
let vhostId: string
const name = 'shop.example.test'
const isOver = ({ finished_at }: { finished_at: string | null }) => finished_at !== null

const maybe = pebbleIsMissing() ? test.skip : test
beforeAll(async () => {
  if (pebbleIsMissing()) return
  issuing = await startIssuing()
  const { agent, pebble } = issuing
  fleet = await startFleet(agent)
  const account = await agent.call('POST', '/api/certificates/accounts', {
    ...{
      name: 'pebble',
      directory_url: pebble.directoryUrl,
      terms_of_service_agreed: true,
      is_default: true,
    },
  })
  accountId = account.body.id
  const { port, sites, siteFile } = fleet.nginx
  const server = await fleet.addServer({ config_directories: [sites] })
  const vhost = await agent.call('POST', `/api/servers/${server.id}/vhosts`, {
    ...{ names: [name], probe_port: port, config_file: siteFile(name) },
    template: [
      'server {',
      `  listen 127.0.0.1:${port} ssl;`,
      '  server_name {{ server_names }};',
      '  ssl_certificate {{ certificate_path }};',
      '  ssl_certificate_key {{ key_path }};',
      '}',
      '',
    ].join('\n'),
  })
  if (vhost.status !== 201) throw new Error(JSON.stringify(vhost.body))
  vhostId = vhost.body.id
}, 60_000)
afterAll(async () => {
  await fleet?.close()
  await issuing?.stop()
})

const newest = async (kind: string) => {
  const { body } = await issuing.agent.call('GET', `/api/certificates/operations?kind=${kind}&limit=1`)
  return body.items[0]
}

let id: string
maybe(
  '004.API-1 004.API-2 a certificate is issued and put where its virtual host is served',
  async () => {
    const { call } = issuing.agent
    const asked = await call('POST', '/api/certificates', {
      name: 'shop',
      names: [name],
      vhost_ids: [vhostId],
    })
    expect([asked.status, asked.body.kind]).toEqual([202, 'issue'])
    id = asked.body.certificate_id
    const issued = await untilOperation(call, asked.body.id, isOver)
    expect(issued).toMatchObject({ state: 'succeeded', result: { version: 1 }, error: null })
    const deployed = await untilOperation(call, issued.result.deploy_operation_id, isOver)
    expect(deployed).toMatchObject({ state: 'succeeded', result: { live: 1, superseded: 0 } })
    const { body } = await call('GET', `/api/certificates/${id}`)
    expect(body).toMatchObject({ state: 'valid', acme_account_id: accountId, failures: 0 })
    expect(body.deployments).toMatchObject([{ state: 'live', live_version: 1, retry_at: null }])
    expect(await fleet.nginx.served(name)).toBe(body.versions[0].serial)
    expect(new Date(body.renew_at).getTime()).toBeLessThan(new Date(body.not_after).getTime())
  },
  60_000,
)

maybe(
  '004.15 a renewal that is due is made once, however many processes look, and is deployed',
  async () => {
    const { agent } = issuing
    await agent.owner.query('UPDATE cert_agent.certificates SET renew_at = now() WHERE id = $1', [id])
    await Promise.all(Array.from({ length: 5 }, () => scheduleRenewals(agent.deps)))
    const renewals = await agent.call('GET', `/api/certificates/operations?kind=renew&certificate_id=${id}`)
    expect(renewals.body.items).toMatchObject([{ actor: 'schedule' }])
    const renewed = await untilOperation(agent.call, renewals.body.items[0].id, isOver)
    expect(renewed).toMatchObject({ state: 'succeeded', result: { version: 2 } })
    await untilOperation(agent.call, renewed.result.deploy_operation_id, isOver)
    const { body } = await agent.call('GET', `/api/certificates/${id}`)
    expect(await fleet.nginx.served(name)).toBe(body.versions[0].serial)
    expect(body.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1])
  },
  60_000,
)

maybe(
  'a CA that moves the window to the past has the certificate renewed at once',
  async () => {
    const { agent, pebble } = issuing
    const { body: before } = await agent.call('GET', `/api/certificates/${id}`)
    expect(before.renewal_info).not.toBeNull()
    const { rows } = await agent.owner.query(
      'SELECT certificate FROM cert_agent.certificate_versions WHERE certificate_id = $1 AND version = 2',
      [id],
    )
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
    await pebble.setRenewalInfo(rows[0].certificate, { suggestedWindow: { start: ago(2), end: ago(1) } })
    await agent.owner.query(
      `UPDATE cert_agent.certificates SET renewal_info = jsonb_set(renewal_info, '{ask_again_at}', to_jsonb(now()::text))
     WHERE id = $1`,
      [id],
    )
    await refreshRenewalInfo(agent.deps, new AbortController().signal)
    const { body } = await agent.call('GET', `/api/certificates/${id}`)
    expect(new Date(body.renew_at).getTime()).toBeLessThan(Date.now())
    await scheduleRenewals(agent.deps)
    const { id: operationId } = await newest('renew')
    expect(await untilOperation(agent.call, operationId, isOver)).toMatchObject({ result: { version: 3 } })
  },
  60_000,
)

maybe(
  'a revoked certificate is not renewed by itself any more',
  async () => {
    const { call } = issuing.agent
    const asked = await call('POST', `/api/certificates/${id}/revoke`, { reason: 'superseded' })
    expect(await untilOperation(call, asked.body.id, isOver)).toMatchObject({ state: 'succeeded' })
    const { body } = await call('GET', `/api/certificates/${id}`)
    expect(body).toMatchObject({ state: 'revoked', renew_at: null })
    expect(body.versions[0].revoked_at).not.toBeNull()
    expect((await call('POST', `/api/certificates/${id}/revoke`, {})).status).toBe(409)
  },
  60_000,
)

maybe(
  '004.08 while the CA is away issuing waits and is tried again; asked for again it is tried at once',
  async () => {
    const { agent } = issuing
    agent.executor.open(1)
    await agent.owner.query("UPDATE cert_agent.acme_accounts SET directory_url = 'https://127.0.0.1:1/dir'")
    const asked = await agent.call('POST', '/api/certificates', {
      name: 'later',
      names: ['later.example.test'],
    })
    const waiting = await untilOperation(agent.call, asked.body.id, ({ progress }) => progress.attempts === 1)
    expect(waiting).toMatchObject({ state: 'running', progress: { step: 'waiting' } })
    await agent.owner.query('UPDATE cert_agent.acme_accounts SET directory_url = $1', [
      issuing.pebble.directoryUrl,
    ])
    const again = await agent.call('POST', `/api/certificates/${asked.body.certificate_id}/renew`)
    expect(again.body.id).toBe(asked.body.id)
    expect(await untilOperation(agent.call, asked.body.id, isOver)).toMatchObject({ state: 'succeeded' })
  },
  60_000,
)

maybe('a certificate that a virtual host names is not deleted; one that none names is', async () => {
  const { call, owner } = issuing.agent
  expect((await call('DELETE', `/api/certificates/${id}`)).status).toBe(409)
  await owner.query('UPDATE cert_agent.vhosts SET certificate_id = NULL')
  expect((await call('DELETE', `/api/certificates/${id}`)).status).toBe(204)
  expect((await call('GET', `/api/certificates/${id}`)).status).toBe(404)
  await until(
    async () => newest('revoke'),
    (one) => one.certificate_id === null,
    'forgotten',
  )
})
