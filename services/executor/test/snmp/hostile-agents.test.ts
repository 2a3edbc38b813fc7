import { expect, test } from '@jest/globals'
import { type AgentRequest, type AgentScript, ber, startScriptedAgent } from '@opsconductor/test-peers'
import type { AnyStepType } from '../../src/step-types/define-step-type.ts'
import { snmpGet } from '../../src/step-types/snmp-get.ts'
import { snmpWalk } from '../../src/step-types/snmp-walk.ts'
import { community, runStepType, type ToolsOf, userCredential } from './snmp-tools.ts'

const { encode, integer, octets, oid, sequence, tags } = ber
const root = '1.3.6.1.4.1.9'

async function ask(
  script: AgentScript,
  stepType: AnyStepType,
  input: object,
  of: Partial<ToolsOf> = {},
): Promise<ReturnType<typeof JSON.parse>> {
  const agent = await startScriptedAgent(script)
  try {
    const target = { host: 'agent.example.com', port: agent.port, timeout_ms: 1_000, retries: 0 }
    return await runStepType(
      stepType,
      { ...target, ...input },
      { credential: community('public'), ports: [agent.port], ...of },
    )
  } finally {
    await agent.close()
  }
}
const get = (script: AgentScript, of: Partial<ToolsOf> = {}) =>
  ask(script, snmpGet, { oids: [`${root}.1`] }, of)
const walk = (script: AgentScript, input: object = {}) => ask(script, snmpWalk, { oid: root, ...input })

const row = (at: string, value: Buffer = integer(1)) => sequence(oid(at), value)
const answer = (request: AgentRequest, value: Buffer) => request.respond([row(`${root}.1`, value)])

test.each<[string, AgentScript, string, RegExp]>([
  ['says nothing', () => undefined, 'target_unreachable', /did not answer/],
  ['sends what is not SNMP', () => Buffer.from('hello'), 'target_failed', /not a valid answer/],
  ['sends nothing but zeros', () => Buffer.alloc(1000), 'target_failed', /not a valid answer/],
  [
    'cuts its answer off',
    (r) => answer(r, integer(7)).subarray(0, 20),
    'target_failed',
    /not a valid answer/,
  ],
  [
    'answers another request',
    (r) =>
      sequence(
        integer(1),
        octets('public'),
        encode(tags.response, integer(r.id + 1), integer(0), integer(0), sequence()),
      ),
    'target_unreachable',
    /did not answer/,
  ],
  [
    'answers with another community',
    (r) =>
      sequence(
        integer(1),
        octets('other'),
        encode(tags.response, integer(r.id), integer(0), integer(0), sequence()),
      ),
    'target_failed',
    /not a valid answer/,
  ],
  ['answers for another variable', (r) => r.respond([row(`${root}.2`)]), 'target_failed', /other variables/],
  [
    'answers with more variables',
    (r) => r.respond([row(`${root}.1`), row(`${root}.2`)]),
    'target_failed',
    /other variables/,
  ],
  ['answers with none', (r) => r.respond([]), 'target_failed', /other variables/],
  [
    'sends a type that does not exist',
    (r) => answer(r, encode(0x77, Buffer.from('x'))),
    'target_failed',
    /not a valid answer/,
  ],
  [
    'sends an integer of nothing',
    (r) => answer(r, encode(tags.integer)),
    'target_failed',
    /not a valid answer/,
  ],
  [
    'sends an integer of 100 bytes',
    (r) => answer(r, encode(tags.integer, Buffer.alloc(100, 1))),
    'target_failed',
    /not a valid answer/,
  ],
  [
    'sends a counter of 100 bytes',
    (r) => answer(r, encode(tags.counter64, Buffer.alloc(100, 255))),
    'target_failed',
    /does not fit the type/,
  ],
  [
    'sends an address of 5 bytes',
    (r) => answer(r, encode(0x40, Buffer.alloc(5))),
    'target_failed',
    /not a valid answer/,
  ],
  ['fails by itself', (r) => r.respond([row(`${root}.1`)], 5, 1), 'target_failed', /genErr/],
  ['says that it is too big even for one', (r) => r.respond([], 1, 0), 'target_refused', /too big/],
  ['has an error that does not exist', (r) => r.respond([], 200, 0), 'target_refused', /refused/],
  [
    'has an error in a variable that was not asked for',
    (r) => r.respond([], 2, 99),
    'target_refused',
    /noSuchName/,
  ],
  [
    'answers v2c with a v3 message that claims a signature',
    (r) => v3Message(r.id, 1, tags.response),
    'target_failed',
    /not a valid answer/,
  ],
])('an agent that %s fails the step in plain words', async (_, script, code, message) => {
  await expect(get(script)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})

/** A v3 message in the clear, with flags that say what they like. */
const v3Message = (messageId: number, flags: number, pduTag: number, varbinds: readonly Buffer[] = []) =>
  sequence(
    integer(3),
    sequence(integer(messageId), integer(65_507), octets(Buffer.from([flags])), integer(3)),
    octets(sequence(octets('engine-1'), integer(0), integer(0), octets('ops'), octets(''), octets(''))),
    sequence(
      octets('engine-1'),
      octets(''),
      encode(pduTag, integer(1), integer(0), integer(0), sequence(...varbinds)),
    ),
  )

const authPriv = { username: 'ops', level: 'authPriv', auth_protocol: 'sha256', priv_protocol: 'aes128' }
const unknownEngine = sequence(oid('1.3.6.1.6.3.15.1.1.4.0'), integer(1, tags.counter32))

test('an answer in the clear is not taken by a user with authentication', async () => {
  const lie = v3Script((messageId) => v3Message(messageId, 0, tags.response, [row(`${root}.1`)]))
  await expect(get(lie, { credential: userCredential(authPriv) })).rejects.toMatchObject({
    code: 'target_failed',
    message: expect.stringMatching(/without the protection/),
  })
})

test('an answer that only claims to be signed is not taken either', async () => {
  for (const flags of [1, 3]) {
    const lie = v3Script((messageId) => v3Message(messageId, flags, tags.response, [row(`${root}.1`)]))
    const refused = get(lie, { credential: userCredential(authPriv) })
    await expect(refused).rejects.toMatchObject({
      code: expect.stringMatching(/^target_(failed|refused|unreachable)$/),
    })
  }
})

/** The first message asks for the engine; what comes after it is answered by `lie`. */
const v3Script =
  (lie: (messageId: number) => Buffer): AgentScript =>
  ({ messageId, count }) =>
    count === 1 ? v3Message(messageId, 0, tags.report, [unknownEngine]) : lie(messageId)

test('an agent that reports for ever is stopped', async () => {
  const agent = await startScriptedAgent(({ messageId }) =>
    v3Message(messageId, 0, tags.report, [unknownEngine]),
  )
  const target = { host: 'a', port: agent.port, timeout_ms: 500, retries: 0, oids: [`${root}.1`] }
  await expect(
    runStepType(snmpGet, target, { credential: userCredential(authPriv), ports: [agent.port] }),
  ).rejects.toMatchObject({ code: 'target_failed', message: expect.stringMatching(/keeps answering/) })
  expect(agent.asked()).toBeLessThan(30)
  await agent.close()
})

test('nobody who listens is told at once', async () => {
  const agent = await startScriptedAgent(() => undefined)
  await agent.close()
  const target = { host: 'a', port: agent.port, timeout_ms: 10_000, oids: [`${root}.1`] }
  await expect(
    runStepType(snmpGet, target, { credential: community('public'), ports: [agent.port] }),
  ).rejects.toMatchObject({ code: 'target_unreachable', message: expect.stringMatching(/refused/) })
})

test.each<[string, AgentScript, string, RegExp]>([
  [
    'goes in a circle',
    ({ respond }) => respond([row(`${root}.1`), row(`${root}.2`), row(`${root}.1`)]),
    'target_failed',
    /walk forward/,
  ],
  [
    'stays where it is',
    ({ count, oids, respond }) => respond([row(count === 1 ? `${root}.1` : (oids[0] as string))]),
    'target_failed',
    /walk forward/,
  ],
  [
    'goes back by one',
    ({ count, respond }) => respond([row(`${root}.${count === 1 ? 9 : 8}`)]),
    'target_failed',
    /walk forward/,
  ],
  [
    'falls silent on the way',
    ({ count, respond }) => (count === 1 ? respond([row(`${root}.1`)]) : undefined),
    'target_unreachable',
    /did not answer/,
  ],
])('a walk ends where the agent %s', async (_, script, code, message) => {
  await expect(walk(script)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})

test('a walk leaves no subtree: what lies beside it ends it', async () => {
  const walked = await walk(({ respond }) =>
    respond([row(`${root}.1`), row('1.3.6.1.4.1.90.1'), row(`${root}.2`)]),
  )
  expect(walked.rows.map(({ oid: at }: { oid: string }) => at)).toEqual([`${root}.1`])
})

const endless: AgentScript = ({ oids, maxRepetitions, respond }) => {
  const last = Number((oids[0] as string).slice(root.length + 1) || 0)
  return respond(
    Array.from({ length: maxRepetitions }, (_, at) =>
      row(`${root}.${last + at + 1}`, octets('x'.repeat(50))),
    ),
  )
}

test('a walk without end is cut at rows_max, and at the size of a result', async () => {
  expect(await walk(endless, { rows_max: 500 })).toMatchObject({ row_count: 500, truncated: true })
  const cut = await walk(endless)
  expect(cut.truncated).toBe(true)
  expect(JSON.stringify(cut).length).toBeLessThan(256 * 1024)
})

test('a walk ends as soon as it is cancelled', async () => {
  const cancelled = new AbortController()
  const reason = new Error('CANCELLED')
  const script: AgentScript = (request) => {
    if (request.count === 20) cancelled.abort(reason)
    return endless(request)
  }
  await expect(
    ask(script, snmpWalk, { oid: root, rows_max: 1_000_000, save_as: 'x' }, { signal: cancelled.signal }),
  ).rejects.toBe(reason)
  const silence: AgentScript = () => {
    cancelled.abort(reason)
    return undefined
  }
  await expect(
    ask(silence, snmpGet, { oids: [`${root}.1`], timeout_ms: 30_000 }, { signal: cancelled.signal }),
  ).rejects.toBe(reason)
})

test('a value as large as a datagram is taken whole', async () => {
  const { values } = await get((request) => answer(request, octets('x'.repeat(60_000))))
  expect(values[0].value).toHaveLength(60_000)
})

test('an agent that cannot answer with much is asked for less, also where it is silent then', async () => {
  const most = 4
  const asked: number[] = []
  const limited =
    (refuse: (request: AgentRequest) => Buffer | undefined): AgentScript =>
    (request) => {
      asked.push(request.maxRepetitions)
      if (request.maxRepetitions > most) return refuse(request)
      return Number((request.oids[0] as string).split('.').at(-1)) >= 40
        ? request.respond([row('1.3.6.1.4.1.90')])
        : endless(request)
    }
  const tooBig = await walk(limited((request) => request.respond([], 1, 0)))
  expect(tooBig.row_count).toBeGreaterThanOrEqual(38)
  asked.length = 0
  const silent = await walk(
    limited(() => undefined),
    { retries: 5, timeout_ms: 100 },
  )
  expect(silent.row_count).toBeGreaterThanOrEqual(38)
  expect(Math.max(...asked.slice(4))).toBeLessThanOrEqual(most)
})

/** Numbers that are the same in every run. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    yield state >>> 8
  }
}

test('whatever an agent sends, the step ends with a value or an error of its own', async () => {
  const random = numbers(42)
  const next = (below: number) => (random.next().value as number) % below
  const damaged = (datagram: Buffer): Buffer => {
    const copy = Buffer.from(datagram)
    for (let changes = 1 + next(3); changes > 0; changes--) copy[next(copy.length)] = next(256)
    return next(4) === 0 ? copy.subarray(0, next(copy.length)) : copy
  }
  const value = encode([4, 6, 0x40, 0x44, 0x46][next(5)] as number, Buffer.from('0123456789'))
  const v2c = await startScriptedAgent((request) => [
    damaged(answer(request, value)),
    answer(request, integer(7)),
  ])
  const v3 = await startScriptedAgent(({ messageId, count }) =>
    count % 2 === 1
      ? [
          damaged(v3Message(messageId, 0, tags.report, [unknownEngine])),
          v3Message(messageId, 0, tags.report, [unknownEngine]),
        ]
      : [
          damaged(v3Message(messageId, next(8), tags.response, [row(`${root}.1`)])),
          v3Message(messageId, 0, tags.response, [row(`${root}.2`)]),
        ],
  )
  const outcomes = new Set<string>()
  const input = { host: 'a', timeout_ms: 100, retries: 0, oids: [`${root}.1`] }
  for (let time = 0; time < 100; time++)
    for (const [agent, credential] of [
      [v2c, community('public')],
      [v3, userCredential(time % 2 === 0 ? authPriv : { username: 'ops', level: 'noAuthNoPriv' })],
    ] as const)
      await runStepType(snmpGet, { ...input, port: agent.port }, { credential, ports: [agent.port] }).then(
        () => outcomes.add('value'),
        (error) => outcomes.add(error.code ?? String(error)),
      )
  await Promise.all([v2c.close(), v3.close()])
  expect([...outcomes].filter((one) => !/^(value|target_\w+)$/.test(one))).toEqual([])
  expect(outcomes).toContain('value')
}, 60_000)
