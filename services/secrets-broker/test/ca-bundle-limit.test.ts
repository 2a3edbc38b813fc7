import { beforeAll, expect, test } from '@jest/globals'
import { certificatesToPem } from '../../../packages/x509/src/index.ts'
import { makeCertificate } from '../../../packages/x509/test/make-certificate.ts'
import { broker, call, create, project, useBroker } from './credential-calls.ts'

useBroker()

const bundle = (name: string, as = project.asOwner) =>
  broker.api('POST', '/api/trust/ca-bundles', as, {
    name,
    certificates: certificatesToPem([makeCertificate(name, { ca: true }).certificate]),
  })

beforeAll(async () => {
  const other = await broker.createProject()
  for (const { status } of [
    await bundle('lab'),
    await bundle('data centre'),
    await bundle('strange', other.asOwner),
  ])
    expect(status).toBe(201)
})

const limits = (...ca_bundles: string[]) => ({ limits: { ca_bundles } })
const use = (id: string) => broker.use(project.projectId, id)

test('000.06 a credential is limited to CA bundles of its project, which are handed to the borrower by name', async () => {
  const created = await create(limits('lab', ' data centre '))
  expect(created.limits).toEqual({ ca_bundles: ['lab', 'data centre'] })
  expect((await use(created.id)).body.limits_ca_bundles).toEqual(['lab', 'data centre'])
  await call('PUT', `/${created.id}`, { limits: {} })
  expect((await use(created.id)).body.limits_ca_bundles).toBeNull()
})

test.each<[object, string[]]>([
  [limits('lab', 'no such', 'strange'), ['body.limits.ca_bundles[1]', 'body.limits.ca_bundles[2]']],
  [limits('LAB'), ['body.limits.ca_bundles[0]']],
  [limits(''), ['body.limits.ca_bundles[0]']],
  [limits('a\0b'), ['body.limits.ca_bundles[0]']],
  [limits(), ['body.limits.ca_bundles']],
  [limits(...Array.from({ length: 21 }, () => 'lab')), ['body.limits.ca_bundles']],
])(
  '000.06 %j is refused naming the field, when a credential is made and when it is changed',
  async (wrong, paths) => {
    const given = { name: 'wrong', type: 'bearer_token', secret: 'tok-0123456789', ...wrong }
    const created = await create()
    for (const answer of [await call('POST', '', given), await call('PUT', `/${created.id}`, wrong)]) {
      expect(answer.status).toBe(422)
      expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual(paths)
    }
    expect((await call('GET', `/${created.id}`)).body).toEqual(created)
  },
)

const reference = (as_type: string) => ({
  type: 'vault_ref',
  secret: undefined,
  extra: { vault: 'v', path: 'p', as_type, mode: 'read_through' },
})

test.each<[string, object]>([
  ['ssh', { type: 'ssh', secret: 'first-secret', extra: { username: 'root' } }],
  ['snmp_community', { type: 'snmp_community', secret: 'first-secret', extra: { version: 'v2c' } }],
  ['snmp_v3', reference('snmp_v3')],
])('000.06 what is lent as %s is never sent over TLS, and takes no such limit', async (type, given) => {
  const refused = {
    path: 'body.limits.ca_bundles',
    message: `must be left out: a credential of type ${type} is never sent over TLS`,
  }
  const { status, body } = await call('POST', '', { name: 'never over TLS', ...given, ...limits('lab') })
  expect([status, body.errors]).toEqual([422, [refused]])
  const { id } = await create(given)
  expect((await call('PUT', `/${id}`, limits('lab'))).body.errors).toEqual([refused])
})

test('a limited reference to a vault does not become one of a type that is never sent over TLS', async () => {
  const { id } = await create({ ...reference('bearer_token'), ...limits('lab') })
  const { extra } = reference('ssh')
  expect((await call('PUT', `/${id}`, { extra })).body.errors?.[0]?.path).toBe('body.limits.ca_bundles')
  expect((await call('PUT', `/${id}`, { extra, limits: {} })).status).toBe(200)
})

test('a credential whose CA bundle is gone keeps its limit, and other changes of it go on', async () => {
  const { body } = await bundle('short-lived')
  const { id } = await create(limits('short-lived'))
  await broker.api('DELETE', `/api/trust/ca-bundles/${body.id}`, project.asOwner)
  expect(
    (await call('PUT', `/${id}`, { description: 'changed', extra: { username: 'writer' } })).status,
  ).toBe(200)
  expect((await use(id)).body.limits_ca_bundles).toEqual(['short-lived'])
})
