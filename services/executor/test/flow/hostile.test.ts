import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
}, 60_000)
afterAll(() => executor?.stop())

const set = (id: string, values: object = {}, more: object = {}) => ({
  id,
  type: 'set',
  input: { values },
  ...more,
})
const loop = (id: string, steps: object[], input: object = {}) => ({
  ...{ id, type: 'for_each', input: { items: [1], ...input }, steps },
})
const nested = (depth: number): object =>
  depth === 0 ? set('innermost') : loop(`loop_${depth}`, [nested(depth - 1)], { as: `item_${depth}` })
const many = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => set(`${prefix}${i}`))

test.each<[string, object, string, string]>([
  ['500 loops inside of each other', { steps: [nested(20)] }, 'body.steps[0].steps[0].steps[0]', 'steps'],
  [
    'more than 500 steps, most of them inside of loops',
    { steps: [loop('a', many(300, 'b')), loop('c', many(300, 'd'))] },
    'body.steps',
    'are more than 500',
  ],
  ['more than 20 final steps', { steps: [set('a')], finally: many(21, 'f') }, 'body.finally', '20'],
  [
    'a loop without steps',
    { steps: [{ id: 'a', type: 'for_each', input: { items: [] } }] },
    'body.steps[0].steps',
    'are needed',
  ],
  [
    'steps in a step that is no loop',
    { steps: [set('a', {}, { steps: [set('b')] })] },
    'body.steps[0].steps',
    'are not used by set',
  ],
  [
    'the same id inside and outside',
    { steps: [set('a'), loop('l', [set('a')])] },
    'body.steps[1].steps[0].id',
    'earlier step',
  ],
  ['a template as an id', { steps: [set('{{ input.x }}')] }, 'body.steps[0].id', 'must start with a letter'],
  [
    'a template as a type',
    { steps: [{ id: 'a', type: '{{ input.x }}', input: {} }] },
    'body.steps[0].type',
    'must be one of',
  ],
  [
    'a template as a job',
    { steps: [{ id: 'a', type: 'job.run', input: { job: '{{ input.x }}' } }] },
    'body.steps[0].input.job',
    'must not be a template',
  ],
  [
    '10,001 items',
    { steps: [loop('a', [set('b')], { items: Array.from({ length: 10_001 }, () => 0) })] },
    'body.steps[0].input.items',
    '10000',
  ],
  [
    'items that are no list',
    { steps: [loop('a', [set('b')], { items: 'all' })] },
    'body.steps[0].input.items',
    'array',
  ],
  [
    '51 items at once',
    { steps: [loop('a', [set('b')], { concurrency: 51 })] },
    'body.steps[0].input.concurrency',
    '50',
  ],
  [
    'an item called input',
    { steps: [loop('a', [set('b')], { as: 'input' })] },
    'body.steps[0].input.as',
    'is taken',
  ],
  [
    'an item called constructor',
    { steps: [loop('a', [set('b')], { as: 'constructor' })] },
    'body.steps[0].input.as',
    'is taken',
  ],
  [
    'an item called as the one around',
    { steps: [loop('a', [loop('b', [set('c')])])] },
    'body.steps[0].steps[0].input.as',
    'loop around',
  ],
  [
    'an item outside of its loop',
    { steps: [loop('a', [set('b')]), set('c', { x: '{{ item }}' })] },
    'body.steps[1].input.values.x',
    'variables begin with',
  ],
  [
    'a step of a loop outside of it',
    { steps: [loop('a', [set('b')]), set('c', { x: '{{ steps.b.y }}' })] },
    'body.steps[1].input.values.x',
    'inside of a loop',
  ],
  [
    'a final step in the output',
    { steps: [set('a')], finally: [set('f')], output: '{{ steps.f.x }}' },
    'body.output',
    'runs at the end',
  ],
  [
    "the run's outcome before its end",
    { steps: [set('a', { x: '{{ run.status }}' })] },
    'body.steps[0].input.values.x',
    'there are run.id',
  ],
  [
    'an if that is a word',
    { steps: [set('a', {}, { if: 'yes' })] },
    'body.steps[0].if',
    'must be one variable',
  ],
  [
    'an if that is an object of no form',
    { steps: [set('a', {}, { if: { js: '1' } })] },
    'body.steps[0].if',
    '',
  ],
  [
    'an if that compares in two ways',
    { steps: [set('a', {}, { if: { value: 1, equals: 1, in: [1] } })] },
    'body.steps[0].if',
    '',
  ],
  [
    'an if of code',
    { steps: [set('a', {}, { if: '{{ process.exit(1) }}' })] },
    'body.steps[0].if',
    'is not a variable',
  ],
  [
    'an if that reaches a prototype',
    { steps: [set('a', {}, { if: { value: '{{ input.__proto__.x }}', exists: true } })] },
    'body.steps[0].if.value',
    'Unknown variable',
  ],
  [
    'existence of two things',
    { steps: [set('a', {}, { if: { value: '{{ input.a }}{{ input.b }}', exists: true } })] },
    'body.steps[0].if.value',
    'must be one variable',
  ],
  [
    'a negative wait',
    { steps: [{ id: 'a', type: 'wait', input: { seconds: -5 } }] },
    'body.steps[0].input.seconds',
    '0',
  ],
  [
    'a wait of a century',
    { steps: [{ id: 'a', type: 'wait', input: { seconds: 3e9 } }] },
    'body.steps[0].input.seconds',
    '2678400',
  ],
  [
    'a wait for nothing',
    { steps: [{ id: 'a', type: 'wait', input: {} }] },
    'body.steps[0].input',
    'either seconds or until',
  ],
  [
    'a storm of attempts',
    { steps: [set('a', {}, { retry: { max_attempts: 1e6 } })] },
    'body.steps[0].retry.max_attempts',
    '50',
  ],
  [
    'attempts without a pause',
    { steps: [set('a', {}, { retry: { max_attempts: 9, initial_seconds: 0 } })] },
    'body.steps[0].retry.initial_seconds',
    '0.1',
  ],
  [
    'attempts said twice',
    { steps: [set('a', {}, { retry: { max_attempts: 9 }, max_attempts: 3 })] },
    'body.steps[0].max_attempts',
    'give one of them',
  ],
  [
    'attempts of a loop',
    { steps: [{ ...loop('a', [set('b')]), max_attempts: 3 }] },
    'body.steps[0].max_attempts',
    'is not used by for_each',
  ],
  [
    'an attempt of a day',
    { steps: [set('a', {}, { timeout_seconds: 86_400 })] },
    'body.steps[0].timeout_seconds',
    '3600',
  ],
])('a job with %s is refused with the path of the fault', async (_, definition, path, text) => {
  const { status, body } = await executor.call('POST', '/api/jobs', { name: 'hostile', ...definition })
  expect(status).toBe(422)
  const found = body.errors.find((error: { path: string }) => error.path.startsWith(path))
  expect(found?.message ?? JSON.stringify(body.errors)).toContain(text)
})

const run = async (definition: Record<string, unknown>, input: unknown = {}) =>
  runToEnd(executor, (await createJob(executor, definition)).id, input)

test.each<[string, Record<string, unknown>, unknown, string, string]>([
  [
    'an object for a loop',
    { steps: [loop('a', [set('b')], { items: '{{ input.x }}' })] },
    { x: { length: 9 } },
    'validation_failed',
    'input.items',
  ],
  [
    '10,001 items',
    { steps: [loop('a', [set('b')], { items: '{{ input.x }}' })] },
    { x: Array.from({ length: 10_001 }, () => 0) },
    'validation_failed',
    'input.items',
  ],
  [
    'items of 300 KB',
    { steps: [loop('a', [set('b')], { items: '{{ input.x }}' })] },
    { x: ['y'.repeat(300_000)] },
    'template_error',
    'render to more than',
  ],
  [
    'an object to compare',
    { steps: [set('a', {}, { if: { value: '{{ input.x }}', at_least: 3 } })] },
    { x: {} },
    'template_error',
    'an object with a number',
  ],
  [
    'a string to search in a number',
    { steps: [set('a', {}, { if: { value: '{{ input.x }}', contains: 'y' } })] },
    { x: 1 },
    'template_error',
    'a string in a number',
  ],
  [
    'no list to look into',
    { steps: [set('a', {}, { if: { value: 1, in: ['{{ input.x }}'] } })] },
    {},
    'template_error',
    'Unknown variable',
  ],
  [
    'a result in an item that is not there',
    { steps: [loop('a', [set('b', { x: '{{ item.y }}' })])] },
    {},
    'template_error',
    'Item 0: Unknown variable {{ item.y }}.',
  ],
])('a run that is given %s fails and says so', async (_, definition, input, code, text) => {
  const ended = await run(definition, input)
  expect(ended.error).toMatchObject({ code })
  expect(ended.error.message).toContain(text)
})

test('own members called as what prototypes have are compared as data', async () => {
  const input = JSON.parse(
    '{"x":{"__proto__":{"a":1},"constructor":1},"y":{"constructor":1,"__proto__":{"a":1}}}',
  )
  const ended = await run(
    { steps: [set('a', { same: true }, { if: { value: '{{ input.x }}', equals: '{{ input.y }}' } })] },
    input,
  )
  expect(ended.output).toEqual({ same: true })
})
