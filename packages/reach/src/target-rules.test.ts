import { expect, test } from '@jest/globals'
import type { OutboundPolicy } from '@opsconductor/contracts'
import { resolveTarget } from './resolve-target.ts'
import { checkTarget, isConnectionAllowed, tlsVersionMin } from './target-rules.ts'

const may = (policy: Partial<OutboundPolicy>, host: string, address = host, port = 443) =>
  isConnectionAllowed({ allow: [], ...policy }, { host, address, port })

test('000.48 deny wins over allow and only, for its ports', () => {
  const policy = {
    allow: [{ cidr: '127.0.0.1', ports: [80, 443] }],
    only: [{ cidr: '0.0.0.0/0' }],
    deny: [{ cidr: '127.0.0.0/8', ports: [443] }],
  }
  expect(may(policy, '127.0.0.1', '127.0.0.1', 443)).toBe(false)
  expect(may(policy, '127.0.0.1', '127.0.0.1', 80)).toBe(true)
})

test('000.48 a denied range also denies its addresses wrapped in IPv6, and the wrapping range itself can be denied', () => {
  const policy = { deny: [{ cidr: '10.0.0.0/8' }] }
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '64:ff9b::a01:203', '2002:a01:203::'])
    expect([address, may(policy, address)]).toEqual([address, false])
  expect(may({ deny: [{ cidr: '64:ff9b::/96' }] }, '64:ff9b::808:808')).toBe(false)
})

test('000.48 a denied name is denied whatever it resolves to, in any spelling', () => {
  const policy = { deny: [{ host: '*.evil.example' }, { host: 'bad.example' }] }
  for (const host of ['a.evil.example', 'A.B.EVIL.example.', 'bad.example', 'bad.example.'])
    expect([host, may(policy, host, '8.8.8.8')]).toEqual([host, false])
  for (const host of ['evil.example', 'notbad.example', 'bad.example.org'])
    expect([host, may(policy, host, '8.8.8.8')]).toEqual([host, true])
})

test('000.48 only: a target is reached by its name or its address, and by nothing else', () => {
  const policy = { only: [{ host: 'api.example.com', ports: [443] }, { cidr: '10.0.0.0/8' }] }
  expect(may(policy, 'api.example.com', '8.8.8.8')).toBe(true)
  expect(may(policy, 'api.example.com', '8.8.8.8', 80)).toBe(false)
  expect(may(policy, 'other.example', '10.9.9.9')).toBe(true)
  expect(may(policy, 'other.example', '8.8.8.8')).toBe(false)
  expect(may({ only: [] }, '8.8.8.8')).toBe(false)
})

test('000.48 only opens nothing that is denied by default', () => {
  expect(may({ only: [{ host: 'metadata.example' }] }, 'metadata.example', '169.254.169.254')).toBe(false)
})

test('000.48 a denied name is not even looked up', async () => {
  const asked: string[] = []
  const resolve = async (name: string) => {
    asked.push(name)
    return [{ address: '8.8.8.8', family: 4 }]
  }
  const policy = { allow: [], deny: [{ host: '*.evil.example' }] }
  await expect(resolveTarget(policy, 'data.evil.example', 443, resolve)).rejects.toMatchObject({
    code: 'outbound_denied',
  })
  expect(asked).toEqual([])
  for (const name of ['data。evil.example', 'ｄata.EVIL.example'])
    await expect(resolveTarget(policy, name, 443, resolve)).rejects.toMatchObject({ code: 'outbound_denied' })
  expect(await resolveTarget(policy, 'good.example', 443, resolve)).toHaveLength(1)
})

const checked = (policy: Partial<OutboundPolicy>, host: string, port = 443) => {
  try {
    checkTarget({ allow: [], ...policy }, host, port)
    return 'allowed'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test.each([
  '127.0.0.1',
  '::1',
  '[::ffff:127.0.0.1]',
  '169.254.169.254',
  'localhost',
  'LOCALHOST.',
  'db.localhost',
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '127.1',
  '127。0。0。1',
  'a/b',
  'u@127.0.0.1',
  'host:22',
  '',
])('000.48 behind a bastion %j is denied by default', (host) => {
  expect(checked({}, host)).toBe('outbound_denied')
})

test('000.48 behind a bastion names are held against the rules on names, addresses against all', () => {
  expect(checked({}, 'db.internal')).toBe('allowed')
  expect(checked({}, '10.0.0.5')).toBe('allowed')
  expect(checked({ allow: [{ cidr: '127.0.0.1', ports: [443] }] }, 'localhost')).toBe('allowed')
  expect(checked({ deny: [{ host: 'db.internal' }] }, 'DB.internal.')).toBe('outbound_denied')
  expect(checked({ deny: [{ cidr: '10.0.0.0/8' }] }, '10.0.0.5')).toBe('outbound_denied')
  expect(checked({ only: [{ host: '*.internal' }] }, 'db.internal')).toBe('allowed')
  expect(checked({ only: [{ cidr: '10.0.0.0/8' }] }, 'db.internal')).toBe('outbound_denied')
})

test('TLS 1.2 is for the hosts of an exception only', () => {
  const policy = { allow: [], tls12_hosts: ['old.example', '*.legacy.example', '10.0.0.1'] }
  const versions = ['old.example', 'OLD.example.', 'a.legacy.example', '10.0.0.1', 'new.example'].map(
    (host) => tlsVersionMin(policy, host),
  )
  expect(versions).toEqual(['TLSv1.2', 'TLSv1.2', 'TLSv1.2', 'TLSv1.2', 'TLSv1.3'])
})
