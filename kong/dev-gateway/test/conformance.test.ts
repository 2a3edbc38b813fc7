import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Gateway, startGateway } from '../src/gateway.ts'
import { exclusions, transcripts, whyExcluded } from './claims.ts'
import { startUpstreams } from './echo-upstreams.ts'
import { readTranscript, recordedPorts } from './recorded-steps.ts'
import { replay } from './replay.ts'

/**
 * With KONG_ADMIN_URL and KONG_PROXY_URL the same steps go to a real Kong, which has to be empty and on
 * this machine (the upstreams listen on loopback); what the steps leave behind is deleted.
 */
const { KONG_ADMIN_URL, KONG_PROXY_URL } = process.env
const real = KONG_ADMIN_URL && KONG_PROXY_URL ? { admin: KONG_ADMIN_URL, proxy: KONG_PROXY_URL } : undefined
const rooms = ['plugins', 'routes', 'services', 'consumers', 'upstreams']

async function entitiesOf(admin: string, room: string): Promise<{ id: string }[]> {
  const answer = await fetch(new URL(`/${room}?size=1000`, admin))
  return ((await answer.json()) as { data: { id: string }[] }).data
}

async function empty(admin: string): Promise<void> {
  for (const room of rooms) {
    for (const { id } of await entitiesOf(admin, room)) {
      await fetch(new URL(`/${room}/${id}`, admin), { method: 'DELETE' })
    }
  }
}

async function expectEmpty(admin: string): Promise<void> {
  for (const room of rooms) {
    const found = await entitiesOf(admin, room)
    if (found.length > 0) throw new Error(`${admin} holds ${room}: the replay needs an empty Kong of its own`)
  }
}

let upstreams: Awaited<ReturnType<typeof startUpstreams>>
beforeAll(async () => {
  upstreams = await startUpstreams()
})
afterAll(() => upstreams.stop())

describe(real ? 'a real Kong' : 'the dev gateway', () => {
  for (const file of transcripts) {
    const steps = readTranscript(file)
    const claimed = steps.filter((step) => whyExcluded(file, step) === undefined).length
    test(
      `answers ${claimed} of the ${steps.length} recorded steps of ${file} as Kong 3.9.1 did`,
      async () => {
        const gateway: Gateway | undefined = real
          ? undefined
          : // A clock at the start of a minute, as the recorded windows were.
            await startGateway({ clock: { now: () => Date.UTC(2026, 0, 1) } })
        const admin = gateway?.adminUrl ?? real?.admin ?? ''
        const proxy = gateway?.proxyUrl ?? real?.proxy ?? ''
        await expectEmpty(admin)
        try {
          const ports = new Map([
            ...upstreams.ports,
            [recordedPorts.admin, Number(new URL(admin).port)],
            [recordedPorts.proxy, Number(new URL(proxy).port)],
          ])
          const result = await replay(file, {
            ports,
            settleMsMax: real ? 15_000 : 0,
            windowsAligned: !real,
          })
          expect(result.differences.join('\n\n')).toBe('')
          expect(result.claimed).toBe(claimed)
        } finally {
          if (real) await empty(admin)
          await gateway?.stop()
        }
      },
      real ? 300_000 : 30_000,
    )
  }
})

test('every step left out by name is one of the recording', () => {
  const unknown = exclusions.flatMap(({ steps = {} }) =>
    Object.entries(steps).flatMap(([file, names]) => {
      const recorded = new Set(readTranscript(file).map(({ name }) => name))
      return names.filter((name) => !recorded.has(name)).map((name) => `${file}: ${name}`)
    }),
  )
  expect(unknown).toEqual([])
})
