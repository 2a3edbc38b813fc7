import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { request } from 'undici'
import { startOpenBaoPeer } from './openbao-peer.ts'

interface Exchange {
  group: string
  name: string
  request: { method: string; path: string; headers: Record<string, string>; body: unknown }
  response: { status: number; body: unknown }
}

const { exchanges } = JSON.parse(
  readFileSync(new URL('../../recordings/openbao.json', import.meta.url), 'utf8'),
) as { exchanges: Exchange[] }

/** What a request makes anew each time. */
const volatile = new Set([
  'request_id',
  'created_time',
  'deletion_time',
  'client_token',
  'secret_id',
  'role_id',
  'secret_id_accessor',
])

/** What the peer says of an answer must be what OpenBao said; it may say less where no client looks. */
function compare(real: unknown, said: unknown, path: string): string[] {
  if (typeof real !== 'object' || real === null || typeof said !== 'object' || said === null)
    return Object.is(real, said)
      ? []
      : [`${path}: ${JSON.stringify(said)} instead of ${JSON.stringify(real)}`]
  return Object.entries(said).flatMap(([key, value]) => {
    const other = (real as Record<string, unknown>)[key]
    const at = `${path}.${key}`
    if (other === undefined) return [`${at} is not in the recording`]
    if (volatile.has(key)) return typeof other === typeof value ? [] : [`${at} is a ${typeof value}`]
    return compare(other, value, at)
  })
}

test('the peer answers as the recorded OpenBao did', async () => {
  const peer = await startOpenBaoPeer()
  // Recorded tokens and ids, and what the peer gave instead.
  const stands = new Map<string, string>()
  const replaced = (text: string) => [...stands].reduce((all, [from, to]) => all.replaceAll(from, to), text)
  const learn = (real: unknown, said: unknown): void => {
    for (const [key, value] of Object.entries((real ?? {}) as Record<string, unknown>)) {
      const other = ((said ?? {}) as Record<string, unknown>)[key]
      if (volatile.has(key) && typeof value === 'string' && typeof other === 'string' && value.length > 10)
        stands.set(value, other)
      else if (typeof value === 'object') learn(value, other)
    }
  }
  stands.set(
    exchanges.find(({ name }) => name === 'lookup-self root')?.request.headers['X-Vault-Token'] as string,
    peer.rootToken,
  )
  const faults: string[] = []
  for (const { group, name, request: asked, response } of exchanges) {
    peer.setSealed(group === '02-sealed')
    const text =
      asked.body === null ? null : typeof asked.body === 'string' ? asked.body : JSON.stringify(asked.body)
    const answer = await request(peer.url + asked.path, {
      method: asked.method as 'GET',
      headers: Object.fromEntries(
        Object.entries(asked.headers).map(([header, value]) => [header, replaced(value)]),
      ),
      body: text === null ? null : replaced(text),
    })
    const answered = await answer.body.text()
    const said = answered === '' ? null : (JSON.parse(answered) as unknown)
    if (answer.statusCode !== response.status)
      faults.push(`${group} ${name}: ${answer.statusCode} instead of ${response.status}`)
    learn(response.body, said)
    faults.push(...compare(JSON.parse(replaced(JSON.stringify(response.body))), said, `${group} ${name}`))
  }
  expect(faults).toEqual([])
  expect(exchanges.length).toBeGreaterThan(60)
  await peer.close()
})
