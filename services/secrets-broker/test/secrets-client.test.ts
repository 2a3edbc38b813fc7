import { once } from 'node:events'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { ChangeEvent } from '@opsconductor/events'
import { listenForEvents } from '@opsconductor/events'
import { createSecretsClient, type SecretsClient } from '@opsconductor/secrets-client'
import { createInternalClient } from '@opsconductor/service-kit'
import { executorKey, type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker({ LOG_LEVEL: 'silent' })
})
afterAll(() => broker.stop())
beforeEach(() =>
  broker.owner.query('TRUNCATE secrets.credential_access_log, secrets.host_credentials CASCADE'),
)

const upsert = (body: object) => broker.internal('POST', '/internal/secrets/credential-upsert', body)
const readsLogged = async () => (await broker.accessLog()).filter((row) => row.access_type === 'read').length
const ssh = { host: 'web-01', purpose: 'ssh' }
const passwordOf = (lent: Awaited<ReturnType<SecretsClient['lookup']>>) =>
  lent.found ? lent.password?.reveal() : lent.reason

/** A client as a service has one, on the real broker and a real listener; `change` resolves when it has been told. */
async function withClient(
  work: (parts: {
    client: SecretsClient
    state: { now: number; connected: boolean }
    change(body: object): Promise<unknown>
  }) => Promise<void>,
  options: { entriesMax?: number } = {},
) {
  const state = { now: 0, connected: true }
  const told = new EventTarget()
  const internal = createInternalClient({ urls: { 'secrets-broker': broker.internalUrl }, key: executorKey })
  const ready = once(told, 'gap')
  const listener = listenForEvents({
    connectionString: broker.config.DATABASE_URL,
    onEvent(event: ChangeEvent) {
      client.onEvent(event)
      told.dispatchEvent(new Event('event'))
    },
    onGap() {
      client.onGap()
      told.dispatchEvent(new Event('gap'))
    },
    onError() {},
  })
  const client = createSecretsClient({
    internal,
    listener: { connected: () => state.connected && listener.connected() },
    ttlMs: 1_000,
    entriesMax: options.entriesMax ?? 100,
    now: () => state.now,
  })
  await ready
  try {
    await work({
      client,
      state,
      async change(body) {
        const event = once(told, 'event')
        await upsert(body)
        return event
      },
    })
  } finally {
    client.close()
    await listener.stop()
    await internal.close()
  }
}

test('003.27 a credential is asked for once in its time, and no object that holds it shows its secrets', async () => {
  await upsert({ ...ssh, username: 'u', password: 'first-pass', additional_data: { key: 'also-hidden' } })
  await withClient(async ({ client, state }) => {
    const lent = await client.lookup(ssh)
    expect(lent).toMatchObject({ found: true, username: 'u', domain: null })
    expect(lent.found && JSON.parse(lent.additionalData.reveal())).toEqual({ key: 'also-hidden' })
    expect(inspect(lent, { depth: 9 }) + JSON.stringify(lent)).not.toMatch(/first-pass|also-hidden/)
    expect(passwordOf(await client.lookup(ssh))).toBe('first-pass')
    expect(await readsLogged()).toBe(1)
    state.now = 1_000
    expect(passwordOf(await client.lookup(ssh))).toBe('first-pass')
    expect(await readsLogged()).toBe(2)
  })
})

test('003.27 a change is served at once, long before the time is over: replaced, deleted, made anew', async () => {
  await upsert({ ...ssh, password: 'first-pass' })
  await withClient(async ({ client, change }) => {
    expect(passwordOf(await client.lookup(ssh))).toBe('first-pass')
    await change({ ...ssh, label: 'root', password: 'root-pass' })
    expect(passwordOf(await client.lookup(ssh))).toBe('first-pass')
    expect(await readsLogged()).toBe(1)
    await change({ ...ssh, password: 'second-pass' })
    expect(passwordOf(await client.lookup(ssh))).toBe('second-pass')
    expect(passwordOf(await client.lookup({ ...ssh, label: 'root' }))).toBe('root-pass')
    await broker.owner.query('DELETE FROM secrets.host_credentials')
    client.onGap()
    expect(passwordOf(await client.lookup(ssh))).toBe('not_found')
    await upsert({ ...ssh, password: 'third-pass' })
    expect(passwordOf(await client.lookup(ssh))).toBe('third-pass')
  })
})

test('003.27 while changes do not reach the client, nothing that it remembers is trusted', async () => {
  await upsert({ ...ssh, password: 'first-pass' })
  await withClient(async ({ client, state }) => {
    await client.lookup(ssh)
    state.connected = false
    expect(passwordOf(await client.lookup(ssh))).toBe('first-pass')
    expect(await readsLogged()).toBe(2)
  })
})

test('003.28 many lookups are one request, also where there is no place to remember them all', async () => {
  const hosts = Array.from({ length: 30 }, (_, i) => `h${i}`)
  for (const host of hosts.slice(0, 29)) await upsert({ host, purpose: 'ssh', password: `pass-of-${host}` })
  for (const entriesMax of [100, 1]) {
    await broker.owner.query('TRUNCATE secrets.credential_access_log')
    await withClient(
      async ({ client }) => {
        const lent = await client.lookupAll([...hosts, 'h0'].map((host) => ({ host, purpose: 'ssh' })))
        expect(lent.map(passwordOf)).toEqual([
          ...hosts.slice(0, 29).map((host) => `pass-of-${host}`),
          'not_found',
          'pass-of-h0',
        ])
        const { rows } = await broker.owner.query(
          'SELECT count(*)::int AS rows, count(DISTINCT xmin::text)::int AS commits FROM secrets.credential_access_log',
        )
        expect(rows).toEqual([{ rows: 30, commits: 1 }])
      },
      { entriesMax },
    )
  }
})

test('what one project may not see it does not get from what another one remembered', async () => {
  const { projectId } = await broker.createProject()
  await upsert({ ...ssh, project_id: projectId, password: 'mine-pass' })
  await withClient(async ({ client }) => {
    const asked = [{ ...ssh, projectId }, ssh]
    expect((await client.lookupAll(asked)).map(passwordOf)).toEqual(['mine-pass', 'not_found'])
    expect((await client.lookupAll(asked)).map(passwordOf)).toEqual(['mine-pass', 'not_found'])
  })
})

test('where the broker does not answer, a lookup of what is not remembered fails, and the next one asks again', async () => {
  await upsert({ ...ssh, password: 'first-pass' })
  await withClient(async ({ client }) => {
    await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
    await expect(client.lookup(ssh)).rejects.toMatchObject({ code: 'service_unavailable' })
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
    expect(passwordOf(await client.lookup(ssh))).toBe('first-pass')
  })
})
