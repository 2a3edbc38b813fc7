import { expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { awaitTxt } from './await-txt.ts'

type Awaited = Parameters<typeof awaitTxt>[0]
/** What each server answers when it is asked for the record; `system` are the resolvers of the machine. */
type Answers = Record<string, () => string[]>

const nobody = (): never => {
  throw new AppError('target_unreachable', 'The DNS servers gave no answer.')
}

/** A zone `example.test` with name servers `ns1` and `ns2`, at addresses of which the policy opens those that are given. */
function world(answers: Answers, addresses: Record<string, string>) {
  const asked: string[] = []
  const of: Awaited = {
    ...{ fqdn: '_acme-challenge.a.example.test', value: 'ours', secondsMax: 60, resolvers: undefined },
    now: () => new Date(0),
    signal: new AbortController().signal,
    reach: {
      resolve: async (host) => [{ address: addresses[host] ?? nobody(), family: 4 }],
    },
    lookupAt: (servers) => {
      const server = servers?.[0] ?? 'system'
      return {
        cname: async () => undefined,
        nameServers: async (name) => (name === 'example.test' ? Object.keys(addresses) : []),
        async txt() {
          asked.push(server)
          return (answers[server] ?? nobody)()
        },
      }
    },
  }
  return { of, asked }
}
const has = () => ['theirs', 'ours']

test("a record is seen once each of the zone's servers has it", async () => {
  let times = 0
  const late = () => (times++ === 0 ? ['theirs'] : has())
  const { of, asked } = world({ '192.0.2.1': has, '192.0.2.2': late }, { ns1: '192.0.2.1', ns2: '192.0.2.2' })
  await awaitTxt(of)
  expect(asked).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.2'])
})

test('a server that does not answer, or where the outbound policy does not lead, holds nobody up', async () => {
  const { of, asked } = world({ '192.0.2.1': has }, { ns1: '192.0.2.1', ns2: '192.0.2.2' })
  of.reach.resolve = async (host) => {
    if (host === 'ns2') throw new AppError('outbound_denied', 'no')
    return [{ address: '192.0.2.1', family: 4 }]
  }
  await awaitTxt(of)
  expect(asked).toEqual(['192.0.2.1'])
})

test('where the servers of the zone are not to be found, the resolvers of the machine are asked', async () => {
  const { of, asked } = world({ system: has }, {})
  await awaitTxt(of)
  expect(asked).toEqual(['system'])
})

test('where resolvers are configured, those are asked and no others', async () => {
  const { of, asked } = world({ '192.0.2.9:5353': has }, { ns1: '192.0.2.1' })
  await awaitTxt({ ...of, resolvers: ['192.0.2.9:5353'] })
  expect(asked).toEqual(['192.0.2.9:5353'])
})

test('where nobody answers, the record is not seen', async () => {
  const { of } = world({}, { ns1: '192.0.2.1' })
  let asked = 0
  const now = () => new Date(asked++ * 61_000)
  await expect(awaitTxt({ ...of, now })).rejects.toMatchObject({ code: 'target_failed' })
})
