import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startTransitPeer, type TransitPeer } from './transit.ts'

interface Exchange {
  name: string
  method: string
  path: string
  token?: string
  body?: unknown
  status: number
  errors?: string[]
  data?: Record<string, unknown>
  auth?: Record<string, unknown>
}

const { exchanges } = JSON.parse(
  readFileSync(new URL('../recordings/transit.json', import.meta.url), 'utf8'),
) as { exchanges: Exchange[] }

let peer: TransitPeer
/** What the recorded server said (tokens, ids, ciphertexts) and what the peer said in its place. */
const ours = new Map<string, string>()

beforeAll(async () => {
  peer = await startTransitPeer()
  const rootToken = exchanges.find(({ name }) => name === 'token: lookup-self root')?.token as string
  ours.set(rootToken, peer.rootToken)
})
afterAll(() => peer.close())

const translate = (text: string): string => {
  let changed = text
  for (const [theirs, own] of ours) changed = changed.replaceAll(theirs, own)
  return changed
}

/** Remembers how the peer named what the recording names, for the requests that say it again. */
function learn(recorded: Record<string, unknown>, given: Record<string, unknown>): void {
  for (const name of ['client_token', 'role_id', 'secret_id', 'ciphertext'])
    if (typeof recorded[name] === 'string' && typeof given[name] === 'string')
      ours.set(recorded[name], given[name])
}

const told = [
  'type',
  'exportable',
  'allow_plaintext_backup',
  'derived',
  'latest_version',
  'plaintext',
  'key_version',
  'min_decryption_version',
  'supports_encryption',
  'deletion_allowed',
  'soft_deleted',
  'renewable',
  'lease_duration',
  'token_type',
  'creation_ttl',
  'ttl',
  'num_uses',
  'secret_id_num_uses',
  'secret_id_ttl',
  'policies',
]

const pick = (from: Record<string, unknown> = {}) =>
  Object.fromEntries(Object.entries(from).filter(([name]) => told.includes(name)))

test('003.24a the transit peer answers every recorded request as the recorded OpenBao did', async () => {
  for (const exchange of exchanges) {
    const response = await fetch(peer.url + exchange.path, {
      method: exchange.method,
      headers: exchange.token === undefined ? {} : { 'X-Vault-Token': translate(exchange.token) },
      body:
        exchange.body === undefined
          ? null
          : translate(typeof exchange.body === 'string' ? exchange.body : JSON.stringify(exchange.body)),
    })
    const text = await response.text()
    const given = text === '' ? {} : JSON.parse(text)
    const { name, status, errors, data, auth } = exchange
    expect({ name, status: response.status, errors: given.errors }).toEqual({ name, status, errors })
    expect({ name, ...pick(given.data ?? {}) }).toEqual({ name, ...pick(data) })
    expect({ name, ...pick(given.auth ?? {}) }).toEqual({ name, ...pick(auth) })
    learn(data ?? {}, given.data ?? {})
    learn(auth ?? {}, given.auth ?? {})
  }
})

test('003.24a a sealed peer answers 503 as the recorded one', async () => {
  peer.setSealed(true)
  const read = async (path: string) => {
    const response = await fetch(peer.url + path)
    return { status: response.status, body: await response.json() }
  }
  expect(await read('/v1/sys/health')).toMatchObject({
    status: 503,
    body: { initialized: true, sealed: true },
  })
  expect(await read('/v1/transit/keys/k1')).toEqual({ status: 503, body: { errors: ['Vault is sealed'] } })
})
