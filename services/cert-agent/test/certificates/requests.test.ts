import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createDeadServer, createPem } from '../operations/support.ts'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'

let agent: AgentUnderTest
let dead: Awaited<ReturnType<typeof createDeadServer>>
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  dead = await createDeadServer(agent, 'dead', ['a.example.org'])
}, 60_000)
afterAll(() => agent?.stop())

const accounts = async (projectId: string) => {
  const { rows } = await agent.owner.query<{ id: string }>(
    `INSERT INTO cert_agent.acme_accounts (project_id, name, directory_url, credential_id, created_by)
     VALUES ($1, $2, 'https://ca.example.org/dir', gen_random_uuid(), 'test') RETURNING id`,
    [projectId, `ca-${randomUUID().slice(0, 8)}`],
  )
  return (rows[0] as { id: string }).id
}
const issue = (fields: object) => agent.call('POST', '/api/certificates', { name: 'c', ...fields })

test('without an account nothing is issued, and the field is named', async () => {
  const { status, body } = await issue({ names: ['a.example.org'] })
  expect([status, body.errors[0].path]).toEqual([422, 'body.acme_account_id'])
})

test('004.06 names that are none are refused, each by its place', async () => {
  const wrong = [
    '; rm -rf /',
    '$(id).example.org',
    '`id`.example.org',
    'a\nb.example.org',
    'a.example.org\n',
    '../../etc/passwd',
    '-a.example.org',
    '--post-hook=id',
    'exаmple.org', // a Cyrillic a
    'xn--.example.org',
    'a..example.org',
    '*.*.example.org',
    'a.*.example.org',
    'localhost',
    '1.2.3',
    '999.1.1.1',
    'a'.repeat(64).concat('.org'),
    `${'a.'.repeat(130)}org`,
    '',
  ]
  for (const name of wrong) {
    const { status, body } = await issue({ names: ['good.example.org', name] })
    expect([name, status, body.errors?.[0]?.path]).toEqual([name, 422, 'body.names[1]'])
  }
  const many = Array.from({ length: 101 }, (_, index) => `n${index}.example.org`)
  expect((await issue({ names: many })).status).toBe(422)
  expect((await issue({ names: ['a.example.org', 'A.example.org'] })).body.errors[0].path).toBe('body.names')
  expect((await issue({ names: ['a.example.org'], profile: 'a; id' })).body.errors[0].path).toBe(
    'body.profile',
  )
})

test('wildcards need dns-01, addresses never have it, and challenges name names of the certificate', async () => {
  const acme_account_id = await accounts(agent.projectId)
  const dns = await agent.owner.query(
    `INSERT INTO cert_agent.dns_accounts (project_id, name, provider, settings, created_by)
     VALUES ($1, 'dns', 'webhook', '{}', 'test') RETURNING id`,
    [agent.projectId],
  )
  const dns01 = { type: 'dns-01', dns_account_id: dns.rows[0].id }
  const cases: [object, string][] = [
    [{ names: ['a.example.org', '*.example.org'] }, 'body.names[1]'],
    [{ names: ['192.0.2.1'], challenges: [{ ...dns01, names: ['192.0.2.1'] }] }, 'body.names[0]'],
    [
      { names: ['a.example.org'], challenges: [{ ...dns01, names: ['b.example.org'] }] },
      'body.challenges[0].names[0]',
    ],
    [
      { names: ['a.example.org'], challenges: [{ ...dns01, dns_account_id: randomUUID() }] },
      'body.challenges[0].dns_account_id',
    ],
    [
      {
        names: ['a.example.org'],
        challenges: [{ type: 'http-01', server_id: randomUUID(), webroot: '/srv' }],
      },
      'body.challenges[0].server_id',
    ],
    [{ names: ['a.example.org'], key_made_on: randomUUID() }, 'body.key_made_on'],
    [{ names: ['a.example.org'], vhost_ids: [dead.vhostIds[0], randomUUID()] }, 'body.vhost_ids[1]'],
  ]
  for (const [fields, path] of cases) {
    const { status, body } = await issue({ acme_account_id, ...fields })
    expect([path, status, body.errors?.[0]?.path]).toEqual([path, 422, path])
  }
})

test("what is another project's is refused as what is not there", async () => {
  const other = await agent.createProject()
  const call = callerAt(agent.publicUrl, other.token)
  const theirs = await accounts(other.projectId)
  expect((await issue({ names: ['a.example.org'], acme_account_id: theirs })).body.errors[0].path).toBe(
    'body.acme_account_id',
  )
  const brought = await agent.call('POST', '/api/certificates/import', {
    name: 'ours',
    pem: createPem('o.example.org'),
  })
  const { id } = brought.body
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PUT', '', { name: 'theirs' }],
    ['DELETE', '', undefined],
    ['GET', '/chain', undefined],
    ['POST', '/deploy', {}],
    ['POST', '/renew', undefined],
    ['POST', '/revoke', {}],
    ['POST', '/export-key', undefined],
  ] as const)
    expect([path, (await call(method, `/api/certificates/${id}${path}`, body)).status]).toEqual([path, 404])
  const batch = await call('POST', '/api/certificates/batch', { action: 'deploy', certificate_ids: [id] })
  expect([batch.status, batch.body.errors[0].path]).toEqual([422, 'body.certificate_ids[0]'])
  const vhost = await call('POST', '/api/certificates/import', {
    ...{ name: 'x', pem: createPem('x.example.org'), vhost_ids: dead.vhostIds },
  })
  expect(vhost.status).toBe(422)
})

test('004.API-5 certificates are listed by state, name, expiry, server and whether they are live', async () => {
  const { body: soon } = await agent.call('POST', '/api/certificates/import', {
    ...{ name: 'soon', pem: createPem('a.example.org'), vhost_ids: dead.vhostIds },
  })
  const names = async (query: string): Promise<string[]> => {
    const { body } = await agent.call('GET', `/api/certificates?${query}`)
    return body.items.map(({ name }: { name: string }) => name)
  }
  expect(await names('expiring_within_days=2')).toContain('soon')
  expect(await names('expiring_within_days=0')).toEqual([])
  expect(await names(`server_id=${dead.serverId}`)).toEqual(['soon'])
  expect(await names('not_live=true')).toEqual(['soon'])
  expect(await names('not_live=false')).not.toContain('soon')
  expect(await names('name=soon&state=valid')).toEqual(['soon'])
  expect(await names('state=revoked')).toEqual([])
  expect((await agent.call('GET', '/api/certificates?state=unknown')).status).toBe(400)
  expect((await agent.call('GET', '/api/certificates?cursor=zzz')).status).toBe(400)
  const taken = await issue({
    name: 'soon',
    names: ['x.example.org'],
    acme_account_id: await accounts(agent.projectId),
  })
  expect([taken.status, taken.body.errors[0].path]).toEqual([409, 'body.name'])
  const nowhere = await agent.call('POST', `/api/certificates/${soon.id}/deploy`, {
    server_ids: [randomUUID()],
  })
  expect([nowhere.status, nowhere.body.errors[0].path]).toEqual([422, 'body.server_ids[0]'])
})

test('a certificate that was imported is neither renewed nor revoked here, and only its name is changed', async () => {
  const { body } = await agent.call('GET', '/api/certificates?name=soon')
  const path = `/api/certificates/${body.items[0].id}`
  expect((await agent.call('POST', `${path}/renew`)).status).toBe(409)
  expect((await agent.call('POST', `${path}/revoke`, {})).status).toBe(409)
  const refused = await agent.call('PUT', path, { names: ['b.example.org'] })
  expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'body.names'])
  const renamed = await agent.call('PUT', path, { name: 'sooner' })
  expect(renamed).toMatchObject({ status: 200, body: { name: 'sooner', version: 1 } })
})

test('004.API-4 a certificate tells its state, its expiry, where it is deployed, and its history', async () => {
  const next = createPem('a.example.org')
  await agent.call('POST', '/api/certificates/import', { name: 'sooner', pem: next })
  const { body: list } = await agent.call('GET', '/api/certificates?name=sooner')
  const { status, body } = await agent.call('GET', `/api/certificates/${list.items[0].id}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({ state: 'valid', version: 2, not_after: body.versions[0].not_after })
  expect(body.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1])
  expect(body.deployments).toMatchObject([
    { server_id: dead.serverId, desired_version: 2, live_version: null },
  ])
  const { body: done } = await agent.call('GET', `/api/certificates/operations?certificate_id=${body.id}`)
  expect(done.items.map(({ kind }: { kind: string }) => kind)).toEqual(['deploy', 'import', 'deploy'])
})

test('names that its virtual hosts are served under are not taken from a certificate', async () => {
  const acme_account_id = await accounts(agent.projectId)
  const { body: asked } = await issue({ name: 'served', names: ['a.example.org'], acme_account_id })
  await agent.deps.prisma.vhost.updateMany({
    where: { id: { in: dead.vhostIds } },
    data: { certificateId: asked.certificate_id },
  })
  const path = `/api/certificates/${asked.certificate_id}`
  const refused = await agent.call('PUT', path, { names: ['b.example.org'] })
  expect([refused.status, refused.body.errors[0]]).toEqual([
    422,
    {
      path: 'body.names',
      message: 'leaves out a.example.org, under which a virtual host serves the certificate',
    },
  ])
  expect((await agent.call('PUT', path, { names: ['*.example.org'], auto_renew: false })).status).toBe(422)
  expect((await agent.call('PUT', path, { names: ['a.example.org', 'b.example.org'] })).status).toBe(200)
})

test('a batch names servers of the project, and no others', async () => {
  const { body } = await agent.call('GET', '/api/certificates?name=sooner')
  const ask = (fields: object) =>
    agent.call('POST', '/api/certificates/batch', {
      ...{ action: 'deploy', certificate_ids: [body.items[0].id], ...fields },
    })
  const unknown = await ask({ server_ids: [dead.serverId, randomUUID()] })
  expect([unknown.status, unknown.body.errors[0].path]).toEqual([422, 'body.server_ids[1]'])
  expect((await ask({ server_ids: [dead.serverId] })).status).toBe(202)
})
