import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { stepTypes } from '../src/step-types/index.ts'
import { type Answer, type ExecutorUnderTest, startExecutor } from './support/executor.ts'

// On CI the same cases every time, so that a change is judged by what it changed; elsewhere others at each run.
const seed = process.env.CI === 'true' ? { seed: 20_261_122 } : {}

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
}, 60_000)
afterAll(() => executor?.stop())

const paths = ['/api/jobs/validate', '/api/jobs/dry-run'] as const
type Path = (typeof paths)[number]

/** A dry run takes the definition as a part of its body. */
const post = (path: Path, definition: unknown, more: object = { input: { a: 1 } }): Promise<Answer> =>
  executor.call('POST', path, path === '/api/jobs/validate' ? definition : { definition, ...more })

/** The answer is one of ours: what was asked for, or a problem that says why not. */
function assertDecent({ status, headers, body }: Answer): void {
  expect([200, 400, 413, 422]).toContain(status)
  if (status !== 200) {
    expect(headers['content-type']).toMatch('application/problem+json')
    expect(body).toMatchObject({ code: expect.any(String), detail: expect.any(String) })
    return
  }
  expect(body.valid ?? body.ok).toBe(body.errors.length === 0)
  for (const { path, message } of body.errors) {
    expect(path.length).toBeLessThan(2_000)
    expect(message.length).toBeLessThan(2_000)
  }
}

const nested = (depth: number, open: string, close: string) =>
  JSON.parse(`${open.repeat(depth)}1${close.repeat(depth)}`)
const awkward = [
  ...['', '{{', '}}', '{{ }}', '{{ input.a }}', '{{{ input.a }}}', '{{# input.a }}', '{{ steps.s0.body }}'],
  ...['{{ input.__proto__ }}', '{{ constructor.constructor }}', '{{ run.id }}', '__proto__', 'constructor'],
  ...['\u202e', 'a\r\nb: c', 'é'.repeat(3_000), 'https://x/', 'db', '../..', "'; DROP TABLE jobs; --"],
  ...[-1, 0, 1.5, 1e308, Number.MAX_SAFE_INTEGER, null, true, [], {}, [[]], [null], { $ref: '#' }],
  ...[
    nested(40, '[', ']'),
    nested(40, '{"a":', '}'),
    JSON.parse('{"__proto__":{"type":"set"},"constructor":1}'),
  ],
]
const Awkward = fc.oneof(fc.constantFrom(...awkward), fc.jsonValue({ maxDepth: 3 }))
const fields = [
  ...['id', 'type', 'input', 'credential', 'client_certificate', 'via', 'if', 'retry', 'steps', 'surplus'],
  ...['timeout_seconds', 'max_attempts', 'continue_on_error', '__proto__', 'constructor', 'toString'],
]

/** A step of each type as its example has it, with some of its fields, and fields of its input, put wrong. */
const Step = fc
  .record({
    type: fc.constantFrom(...stepTypes.keys()),
    example: fc.nat(5),
    id: fc.nat(3),
    wrong: fc.array(fc.tuple(fc.constantFrom(...fields), Awkward), { maxLength: 3 }),
    wrongInput: fc.array(fc.tuple(fc.nat(30), Awkward), { maxLength: 3 }),
  })
  .map(({ type, example, id, wrong, wrongInput }) => {
    const stepType = stepTypes.get(type) as NonNullable<ReturnType<typeof stepTypes.get>>
    const names = Object.keys(stepType.input.shape)
    const given = stepType.examples[example % stepType.examples.length]?.input
    const input = wrongInput.map(([index, value]) => [names[index % names.length], value])
    return Object.fromEntries([
      ...Object.entries({ id: `s${id}`, type, input: { ...given, ...Object.fromEntries(input) } }),
      ...wrong,
    ])
  })
const Definition = fc
  .record({
    steps: fc.oneof(
      { weight: 9, arbitrary: fc.array(Step, { maxLength: 5 }) },
      { weight: 1, arbitrary: Awkward },
    ),
    wrong: fc.array(
      fc.tuple(fc.constantFrom('input_schema', 'output', 'finally', 'name', 'owner'), Awkward),
      {
        maxLength: 2,
      },
    ),
  })
  .map(({ steps, wrong }) => ({ name: 'fuzzed', steps, ...Object.fromEntries(wrong) }))

test.each(paths)(
  '%s answers every definition that is nearly right: 200, 400 or 422',
  async (path) => {
    await fc.assert(
      fc.asyncProperty(
        path === '/api/jobs/validate'
          ? Definition
          : fc.record({
              definition: Definition.map(({ name: _, ...definition }) => definition),
              more: fc.record(
                {
                  input: Awkward,
                  step_results: fc.oneof(Awkward, fc.dictionary(fc.constantFrom('s0', 's1'), Awkward)),
                },
                { requiredKeys: [] },
              ),
            }),
        async (given) => {
          const { definition = given, more = {} } = given as { definition?: unknown; more?: object }
          assertDecent(await post(path, definition, more))
        },
      ),
      { numRuns: 150, ...seed },
    )
  },
  60_000,
)

test.each(paths)(
  '%s answers any JSON: 200, 400 or 422',
  async (path) => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), async (body) => {
        assertDecent(await executor.call('POST', path, JSON.stringify(body)))
      }),
      { numRuns: 60, ...seed },
    )
  },
  60_000,
)

const get = (id: string, input: object) => ({ id, type: 'http.get', input })
const stepsOf = (count: number, input: object) =>
  Array.from({ length: count }, (_, index) => get(`s${index}`, input))
const url = 'https://x.example.com/'
const megabyte = 'x'.repeat(1024 * 1024)
const backtracking = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } }

test.each<[string, object, number]>([
  ['500 steps', { steps: stepsOf(500, { url }) }, 200],
  ['501 steps', { steps: stepsOf(501, { url }) }, 422],
  ['a string of 1 MB', { steps: [get('a', { url: megabyte })] }, 200],
  ['a string of 2 MB', { steps: [get('a', { url: megabyte + megabyte })] }, 413],
  ['nearly 1 MB of templates', { steps: [get('a', { url: '{{ input.a }}'.repeat(70_000) })] }, 200],
  ['nearly 1 MB of templates that are not closed', { steps: [get('a', { url: '{{'.repeat(400_000) })] }, 200],
  [
    'a thousand variables in each of 50 steps',
    { steps: stepsOf(50, { url: '{{ input.a }}'.repeat(1_000) }) },
    200,
  ],
  [
    'headers by the ten thousand',
    {
      steps: [
        get('a', {
          url,
          headers: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`x-${i}`, '{{ input.a }}'])),
        }),
      ],
    },
    200,
  ],
  [
    'a list of 150,000 variables that are not there',
    { steps: [get('a', { url, query: { a: Array.from({ length: 150_000 }, () => '{{x}}') } })] },
    200,
  ],
  ['JSON 60 deep', { steps: [get('a', { url, query: nested(55, '[', ']') })] }, 200],
  ['JSON 100 deep', { steps: [get('a', { url, query: nested(100, '[', ']') })] }, 422],
  ['loops in loops in loops', { steps: [loops(10)] }, 422],
  ['a schema that backtracks', { input_schema: backtracking, steps: [get('a', { url })] }, 200],
  [
    'a schema of 60 KB of references',
    {
      input_schema: {
        $defs: Object.fromEntries(
          Array.from({ length: 1_000 }, (_, i) => [`d${i}`, { $ref: `#/$defs/d${i + 1}` }]),
        ),
        $ref: '#/$defs/d0',
      },
      steps: [get('a', { url })],
    },
    200,
  ],
  ['a half surrogate', { steps: [get('a', { url: 'https://x/\ud800' })] }, 422],
  ['a NUL in a name', { steps: [get('a', { url, 'a\0b': 1 })] }, 422],
])(
  '%s: each answers in its way and goes on',
  async (_, definition, status) => {
    for (const path of paths) {
      const named = path === '/api/jobs/validate' ? { name: 'x', ...definition } : definition
      const answer = await post(path, named, { input: { a: `${'a'.repeat(60)}b` } })
      assertDecent(answer)
      // What is wrong with a definition is an answer of validate; a dry run takes no such definition.
      if (path === '/api/jobs/dry-run') expect(answer.status).toBe(status)
    }
  },
  60_000,
)

function loops(depth: number): object {
  const inner = depth === 0 ? get('a', { url }) : loops(depth - 1)
  return { id: `l${depth}`, type: 'for_each', input: { items: [1] }, steps: [inner] }
}

test('what an input expands to is bounded', async () => {
  const steps = stepsOf(100, { url, query: { a: '{{ input.a }}', b: '{{ input }}' } })
  const { status, body } = await post('/api/jobs/dry-run', { steps }, { input: { a: 'y'.repeat(90_000) } })
  expect([status, body.ok]).toEqual([200, false])
  expect(JSON.stringify(body).length).toBeLessThan(5 * 1024 * 1024)
})

test.each<[string, string, number]>([
  ['the same name twice', '{"name":"a","name":"b","steps":[]}', 400],
  ['no JSON', '{"name":', 400],
])('%s in a body is refused before it is looked at', async (_, text, status) => {
  for (const path of paths) expect((await executor.call('POST', path, text)).status).toBe(status)
})

test('no prototype is changed by any of it', () => {
  expect(({} as { type?: unknown }).type).toBeUndefined()
  expect(Object.keys(Object.prototype)).toEqual([])
})
