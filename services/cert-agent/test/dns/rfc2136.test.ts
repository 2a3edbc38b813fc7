import { Resolver } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type BindKey, type BindPeer, startBind } from '@opsconductor/test-peers'
import type { Packet } from 'dns-packet'
import { rfc2136 } from '../../src/dns-providers/rfc2136.ts'
import { type Outside, startOutside } from '../support/outside.ts'
import { type ProviderUse, useProvider } from '../support/provider-tools.ts'
import { signedAnswer } from './signed-answer.ts'

let outside: Outside
let bind: BindPeer
beforeAll(async () => {
  ;[outside, bind] = await Promise.all([startOutside(), startBind()])
  outside.executor.open(bind.port)
})
afterAll(async () => {
  await Promise.all([outside?.stop(), bind?.close()])
})

const credentialOf = ({ name, algorithm, secret }: BindKey) => ({
  ...{ type: 'tsig', secret: { secret } },
  extra: { key_name: name, algorithm },
})
const provider = (
  key: BindKey = bind.keys['hmac-sha256'],
  more: Partial<ProviderUse> & { port?: number } = {},
) =>
  useProvider(outside, {
    provider: rfc2136,
    settings: { server: '127.0.0.1', port: more.port ?? bind.port, ...more.settings },
    credential: credentialOf(key),
    ...(more.now && { now: more.now }),
    ...(more.signal && { signal: more.signal }),
  })

async function valuesOf(fqdn: string): Promise<string[]> {
  const resolver = new Resolver()
  resolver.setServers([bind.address])
  const found = await resolver.resolveTxt(fqdn).catch(() => [])
  return found.map((parts) => parts.join('')).sort()
}

test.each(['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const)(
  '004.10 a record is written and taken away with a key of %s, each as often as it is asked for',
  async (algorithm) => {
    const record = { fqdn: `_acme-challenge.${algorithm}.zone.test`, value: 'v'.repeat(43) }
    const { present, remove } = provider(bind.keys[algorithm])
    await remove(record)
    await present(record)
    await present(record)
    expect(await valuesOf(record.fqdn)).toEqual([record.value])
    await remove(record)
    expect(await valuesOf(record.fqdn)).toEqual([])
  },
)

test('values of one name are written at once by many, and each takes only its own away', async () => {
  const fqdn = '_acme-challenge.shared.zone.test'
  const values = Array.from({ length: 8 }, (_, index) => `value-${index}`)
  const { present, remove } = provider()
  await Promise.all(values.map((value) => present({ fqdn, value })))
  expect(await valuesOf(fqdn)).toEqual(values)
  await Promise.all(values.slice(1).map((value) => remove({ fqdn, value })))
  expect(await valuesOf(fqdn)).toEqual(['value-0'])
})

test.each(['_acme-challenge.inner.zone.test', '_acme-challenge.zone.test', 'a.b.c.alias.test'])(
  '%s is written into the innermost zone that holds it',
  async (fqdn) => {
    await provider().present({ fqdn, value: 'v' })
    expect(await valuesOf(fqdn)).toEqual(['v'])
  },
)

test('a name outside the zones of the account is refused before anything is asked', async () => {
  const { present } = provider(undefined, { settings: { zones: ['alias.test'] }, port: 1 })
  await expect(present({ fqdn: '_acme-challenge.zone.test', value: 'v' })).rejects.toMatchObject({
    code: 'target_refused',
    message: 'The DNS account has no zone that holds the name of the challenge.',
  })
})

test.each<[string, () => BindKey, string]>([
  [
    'another secret',
    () => ({ ...bind.keys['hmac-sha256'], secret: Buffer.alloc(32).toString('base64') }),
    'The DNS server finds the TSIG signature wrong: its key of this name has another secret.',
  ],
  [
    'a name that the server does not know',
    () => ({ ...bind.keys['hmac-sha256'], name: 'unknown.test' }),
    'The DNS server does not know the TSIG key, or not with this algorithm.',
  ],
  [
    'no right to the name',
    () => bind.strangerKey,
    'The DNS server refused the request (REFUSED): its rules do not let this TSIG key change the name.',
  ],
])('a key with %s is refused, saying so', async (_what, key, message) => {
  const failed = provider(key()).present({ fqdn: '_acme-challenge.zone.test', value: 'v' })
  await expect(failed).rejects.toMatchObject({ code: 'target_refused', message })
})

test('where the clocks differ, it is said by how much', async () => {
  const now = () => new Date(Date.now() + 3_600_000)
  const failed = provider(undefined, { now }).present({ fqdn: '_acme-challenge.zone.test', value: 'v' })
  await expect(failed).rejects.toThrow(
    /^The DNS server refused the signature because of its time: its clock and ours differ by (?:3599|3600|3601) seconds\.$/,
  )
})

test('a server where the outbound policy does not lead is not asked', async () => {
  const failed = provider(undefined, { port: bind.port + 1 }).present({ fqdn: 'a.zone.test', value: 'v' })
  await expect(failed).rejects.toMatchObject({ code: 'outbound_denied' })
})

/** Answers each connection with the bytes, and closes it where `ends`. */
async function startScripted(answer: Buffer | ((heard: Buffer) => Buffer), ends: boolean) {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (heard: Buffer) => {
      const bytes = typeof answer === 'function' ? answer(heard) : answer
      if (ends) socket.end(bytes)
      else socket.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  outside.executor.open(port)
  return { port, close: () => server.close() }
}

test.each<[string, Buffer, boolean, string]>([
  ['closes', Buffer.alloc(0), true, 'target_unreachable'],
  ['cuts its answer off', Buffer.from([1, 0, 1, 2, 3]), true, 'target_unreachable'],
  ['answers 64 KiB of nothing', Buffer.alloc(65_537, 255), false, 'target_refused'],
  ['answers an empty message', Buffer.from([0, 0]), false, 'target_refused'],
])('a server that %s is an error in words', async (_what, answer, ends, code) => {
  const scripted = await startScripted(answer, ends)
  try {
    const failed = provider(undefined, { port: scripted.port }).present({ fqdn: 'a.zone.test', value: 'v' })
    await expect(failed).rejects.toMatchObject({ code })
  } finally {
    scripted.close()
  }
})

test('whoever waits for a server that says nothing is free once the signal fires', async () => {
  const scripted = await startScripted(Buffer.alloc(0), false)
  const stop = new AbortController()
  try {
    const waiting = provider(undefined, { port: scripted.port, signal: stop.signal }).present({
      fqdn: 'a.zone.test',
      value: 'v',
    })
    setImmediate(() => stop.abort(new Error('stopped')))
    await expect(waiting).rejects.toThrow('stopped')
  } finally {
    scripted.close()
  }
})

const soaOf = (name: string): Packet => ({
  authorities: [{ name, type: 'SOA', data: { mname: 'ns.test', rname: 'admin.test' } }],
})
test.each([
  ['another zone', 'other.test', 'The DNS server answered for another zone than was asked for.'],
  ['a name that is none', 'zo"ne.test', 'The DNS server answered for another zone than was asked for.'],
  [
    'a zone that merely ends alike',
    'one.test',
    'The DNS server answered for another zone than was asked for.',
  ],
])('a server that answers for %s is not sent a change', async (_what, zone, message) => {
  const key = bind.keys['hmac-sha256']
  let asked = 0
  const scripted = await startScripted((heard) => {
    asked += 1
    return signedAnswer(heard, key, soaOf(zone))
  }, false)
  try {
    const failed = provider(key, { port: scripted.port }).present({ fqdn: 'a.zone.test', value: 'v' })
    await expect(failed).rejects.toMatchObject({ code: 'target_refused', message })
    expect(asked).toBe(1)
  } finally {
    scripted.close()
  }
})
