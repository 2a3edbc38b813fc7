import { CreateHostedZoneCommand, ListResourceRecordSetsCommand } from '@aws-sdk/client-route-53'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createTestCertificates, motoIsMissing, startJsonServer, startMoto } from '@opsconductor/test-peers'
import { openRoute53 } from '../../src/dns-providers/aws/open-route53.ts'
import { route53 } from '../../src/dns-providers/route53.ts'
import { type Outside, startOutside } from '../support/outside.ts'
import { useProvider } from '../support/provider-tools.ts'

const certificates = createTestCertificates()
let outside: Outside
beforeAll(async () => {
  outside = await startOutside()
  outside.broker.caBundles.push(certificates.ca)
})
afterAll(() => outside?.stop())

const provider = (endpoint: string, { id, secret }: { id: string; secret: string }, more: object = {}) =>
  useProvider(outside, {
    provider: route53,
    settings: { endpoint, ...more },
    credential: {
      ...{ type: 'aws', secret: { secret_access_key: secret } },
      extra: { access_key_id: id, region: 'us-east-1' },
    },
  })

;(motoIsMissing() ? describe.skip : describe)('on an AWS', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>
  beforeAll(async () => {
    moto = await startMoto(certificates)
    outside.executor.open(Number(new URL(moto.url).port))
    for (const name of ['example.test', 'inner.example.test'])
      await usingRoute53((client) =>
        client.send(new CreateHostedZoneCommand({ Name: name, CallerReference: name })),
      )
  })
  afterAll(() => moto?.close())

  const usingRoute53 = async (
    work: (client: Awaited<ReturnType<typeof openRoute53>>) => Promise<unknown>,
  ) => {
    let result: unknown
    await provider(moto.url, moto.accessKey).withTools(async (tools) => {
      result = await work(await openRoute53(tools as never))
    })
    return result
  }

  async function valuesOf(HostedZoneId: string, fqdn: string): Promise<string[]> {
    const { ResourceRecordSets = [] } = (await usingRoute53((client) =>
      client.send(new ListResourceRecordSetsCommand({ HostedZoneId })),
    )) as { ResourceRecordSets?: { Name?: string; ResourceRecords?: { Value?: string }[] }[] }
    const set = ResourceRecordSets.find(({ Name }) => Name === `${fqdn}.`)
    return (set?.ResourceRecords ?? []).map(({ Value }) => Value ?? '')
  }

  async function zoneId(name: string): Promise<string> {
    const { ListHostedZonesByNameCommand } = await import('@aws-sdk/client-route-53')
    const { HostedZones } = (await usingRoute53((client) =>
      client.send(new ListHostedZonesByNameCommand({ DNSName: name })),
    )) as { HostedZones: { Id: string }[] }
    return HostedZones[0]?.Id.replace('/hostedzone/', '') ?? ''
  }

  test('004.10 values are added to those of the name, as often as it is asked for, and only ours is taken away', async () => {
    const fqdn = '_acme-challenge.inner.example.test'
    const zone = await zoneId('inner.example.test')
    const { present, remove } = provider(moto.url, moto.accessKey)
    for (const value of ['one', 'two', 'two']) await present({ fqdn, value })
    expect(await valuesOf(zone, fqdn)).toEqual(['"one"', '"two"'])
    await remove({ fqdn, value: 'one' })
    await remove({ fqdn, value: 'one' })
    expect(await valuesOf(zone, fqdn)).toEqual(['"two"'])
    await remove({ fqdn, value: 'two' })
    expect(await valuesOf(zone, fqdn)).toEqual([])
  })

  test('a hosted zone that was named is written to, and a name in none is refused', async () => {
    const id = await zoneId('example.test')
    await provider(moto.url, moto.accessKey, { hosted_zone_id: id }).present({
      fqdn: 'a.example.test',
      value: 'v',
    })
    expect(await valuesOf(id, 'a.example.test')).toEqual(['"v"'])
    const nowhere = provider(moto.url, moto.accessKey).present({ fqdn: 'a.other.test', value: 'v' })
    await expect(nowhere).rejects.toThrow('has no zone that holds the name')
  })

  test.each([
    ['without rights', () => moto.strangerKey],
    ['with another secret', () => ({ ...moto.accessKey, secret: 'x'.repeat(40) })],
  ])('an access key %s is refused, and quoted nowhere', async (_what, key) => {
    const failed = await provider(moto.url, key())
      .present({ fqdn: 'a.example.test', value: 'v' })
      .catch((error: unknown) => error)
    expect(failed).toMatchObject({
      code: 'target_refused',
      message: expect.stringMatching(/^Route 53 refused the credential \(403, code \w+\)\.$/),
    })
    expect(JSON.stringify([failed, (failed as Error).stack])).not.toContain(key().id)
  })
})

const someKey = { id: 'AKIAAAAAAAAAAAAAAAAA', secret: 's'.repeat(40) }
const changed = `<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/change/1</Id><Status>PENDING</Status>
  <SubmittedAt>2026-11-22T09:00:00Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>`
const emptyZone = `<ListResourceRecordSetsResponse><ResourceRecordSets></ResourceRecordSets>
  <IsTruncated>false</IsTruncated><MaxItems>1</MaxItems></ListResourceRecordSetsResponse>`
/** Route 53 has both ways of saying so. */
const bare =
  '<InvalidChangeBatch><Messages><Message>it is not there</Message></Messages></InvalidChangeBatch>'
const wrapped =
  '<ErrorResponse><Error><Code>InvalidChangeBatch</Code><Message>no</Message></Error></ErrorResponse>'

test('what is asked for faster than Route 53 takes it is asked for again', async () => {
  let throttled = 2
  const headers = { 'content-type': 'text/xml' }
  const slower =
    '<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>'
  const peer = await startJsonServer({
    tls: certificates.server,
    answer: ({ method }) =>
      throttled-- > 0
        ? { status: 400, headers, body: slower }
        : { status: 200, headers, body: method === 'GET' ? emptyZone : changed },
  })
  try {
    outside.executor.open(peer.port)
    await provider(`https://127.0.0.1:${peer.port}`, someKey, { hosted_zone_id: 'Z1' }).present({
      fqdn: 'a.example.test',
      value: 'ours',
    })
    expect(peer.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'POST'])
  } finally {
    await peer.close()
  }
})

test('who was overtaken between reading and changing reads again; after some times it is tried later', async () => {
  const values = ['"theirs"']
  let refusals = 2
  let isOvertaken = true
  const listed =
    () => `<?xml version="1.0"?><ListResourceRecordSetsResponse><ResourceRecordSets><ResourceRecordSet>
    <Name>a.example.test.</Name><Type>TXT</Type><TTL>90</TTL><ResourceRecords>${values
      .map((value) => `<ResourceRecord><Value>${value}</Value></ResourceRecord>`)
      .join('')}</ResourceRecords></ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated>
    <MaxItems>1</MaxItems></ListResourceRecordSetsResponse>`
  const peer = await startJsonServer({
    tls: certificates.server,
    answer({ method }) {
      const headers = { 'content-type': 'text/xml' }
      if (method === 'GET') return { status: 200, headers, body: listed() }
      if (refusals-- > 0) {
        if (isOvertaken) values.push(`"theirs-${refusals}"`)
        return { status: 400, headers, body: refusals % 2 === 0 ? bare : wrapped }
      }
      return { status: 200, headers, body: changed }
    },
  })
  try {
    outside.executor.open(peer.port)
    const { present } = provider(`https://127.0.0.1:${peer.port}`, someKey, { hosted_zone_id: 'Z1' })
    await present({ fqdn: 'a.example.test', value: 'ours' })
    const last = peer.requests.at(-1)?.body ?? ''
    expect(
      [...last.matchAll(/<Action>(\w+)<.*?<TTL>(\d+)</gs)].map(([, action, ttl]) => [action, ttl]),
    ).toEqual([
      ['DELETE', '90'],
      ['CREATE', '90'],
    ])
    expect(last.match(/theirs/g)).toHaveLength(6)
    refusals = 100
    await expect(present({ fqdn: 'a.example.test', value: 'ours' })).rejects.toMatchObject({
      code: 'target_failed',
      message: 'Others change the records of the name at the same time.',
    })
    isOvertaken = false
    const changesBefore = peer.requests.filter(({ method }) => method === 'POST').length
    await expect(present({ fqdn: 'a.example.test', value: 'ours' })).rejects.toMatchObject({
      code: 'target_refused',
      message: expect.stringMatching(/^Route 53 refused the record \(400, code \w+\)\.$/),
    })
    expect(peer.requests.filter(({ method }) => method === 'POST')).toHaveLength(changesBefore + 1)
  } finally {
    await peer.close()
  }
})
