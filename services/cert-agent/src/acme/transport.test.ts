import { expect, test } from '@jest/globals'
import type { OutboundAnswer } from '../outbound/open-outbound.ts'
import { createTransport } from './transport.ts'

const url = 'https://ca.example.test/order/1'

/** A CA that gives these answers, one after the other. */
function transportTo(...answers: Partial<OutboundAnswer>[]) {
  let asked = 0
  const send = async () => ({ status: 200, headers: {}, text: '', ...answers[asked++] })
  const of = { outbound: { send }, signal: new AbortController().signal, now: () => new Date(0) }
  return { ...createTransport(of), asked: () => asked }
}

test('how long a CA asks us to wait is what it said last', async () => {
  const { request, waitOf } = transportTo({ headers: { 'retry-after': '7' } }, {})
  await request(url, 'post', { data: {} })
  expect(waitOf(url)).toBe(7)
  await request(url, 'post', { data: {} })
  expect(waitOf(url)).toBeUndefined()
})

test('a nonce that came with an answer is given out once, one that was refused never', async () => {
  const badNonce = { type: 'urn:ietf:params:acme:error:badNonce' }
  const { request, asked } = transportTo(
    { headers: { 'replay-nonce': 'one' } },
    {
      status: 400,
      headers: { 'replay-nonce': 'taken', 'content-type': 'application/problem+json' },
      text: JSON.stringify(badNonce),
    },
    { headers: { 'replay-nonce': 'fresh' } },
  )
  const nonce = async () => (await request(url, 'head')).headers['replay-nonce']
  await request(url, 'post', { data: {} })
  expect(await nonce()).toBe('one')
  // acme-client uses the nonce of the refusal at once.
  expect(await request(url, 'post', { data: {} })).toMatchObject({ status: 400 })
  expect(await nonce()).toBe('fresh')
  expect(asked()).toBe(3)
})

test('other chains are where the CA says, five at most', async () => {
  const links = [
    '<https://ca.example.test/dir>;rel="index"',
    '</cert/1/1>; rel="alternate"',
    '<https://ca.example.test/cert/1/2>;rel=alternate',
    ...Array.from({ length: 9 }, () => '</cert/1/3>;rel="alternate"'),
  ]
  const { request, alternatesOf } = transportTo({ headers: { link: links.join(', ') } })
  expect(alternatesOf(url)).toEqual([])
  await request(url, 'post', { data: {} })
  expect(alternatesOf(url)).toEqual([1, 2, 3, 3, 3].map((index) => `https://ca.example.test/cert/1/${index}`))
})
