import { expect, test } from '@jest/globals'
import { JobDefinition } from '@opsconductor/contracts'
import { dryRunSteps } from './dry-run-steps.ts'

const get = (id: string, path: string, more: object = {}) => ({
  id,
  type: 'http.get',
  input: { url: `https://x/${path}` },
  ...more,
})
const dryRun = (
  definition: object,
  given: { input?: unknown; step_results?: Record<string, unknown> } = {},
) =>
  dryRunSteps(
    JobDefinition.parse(definition),
    { input: {}, step_results: {}, run: {}, at: 'body', connectors: new Map(), ...given },
    new Set(),
  )
const urls = (definition: object, given = {}) =>
  dryRun(definition, given).steps.map(({ path, runs, input }) => [
    path,
    runs,
    (input?.value as { url?: string } | undefined)?.url,
    input?.unknown,
  ])
const loop = (items: unknown, steps: object[]) => ({
  id: 'each',
  type: 'for_each',
  input: { items, as: 'host' },
  steps,
})

test('the steps of a loop are shown at its first item, and see what runs before and around them', () => {
  const steps = [
    get('first', 'a'),
    loop('{{ input.hosts }}', [
      get('ask', '{{ host.name }}/{{ host_index }}/{{ steps.first.status }}'),
      get('tell', '{{ steps.ask.body }}'),
    ]),
    get('last', '{{ steps.each.total }}'),
  ]
  const given = { input: { hosts: [{ name: 'a' }, { name: 'b' }] }, step_results: { first: { status: 200 } } }
  expect(urls({ steps }, given)).toEqual([
    ['steps[0]', true, 'https://x/a', []],
    ['steps[1]', true, undefined, []],
    ['steps[1].steps[0]', true, 'https://x/a/0/200', []],
    ['steps[1].steps[1]', true, 'https://x/{{ steps.ask.body }}', ['steps.ask.body']],
    ['steps[2]', true, 'https://x/{{ steps.each.total }}', ['steps.each.total']],
  ])
})

test.each<[unknown, string]>([
  ['{{ steps.first.items }}', 'come from a run'],
  [[], 'are none'],
])('where the items of a loop (%j) %s, its variables are unknown', (items) => {
  const steps = [get('first', 'a'), loop(items, [get('ask', '{{ host.name }}')])]
  expect(urls({ steps }).at(-1)).toEqual([
    'steps[1].steps[0]',
    true,
    'https://x/{{ host.name }}',
    ['host.name'],
  ])
})

test('what a loop holds cannot be named behind it', () => {
  const { faults } = dryRun({ steps: [loop([1], [get('ask', 'a')]), get('last', '{{ steps.ask.body }}')] })
  expect(faults).toEqual([
    { path: 'body.steps[1].input.url', message: expect.stringMatching(/Unknown variable/) },
  ])
})

test('a condition is decided where it can be, and a step that does not run has no input', () => {
  const steps = [
    get('first', 'a'),
    get('yes', 'b', { if: '{{ input.wanted }}' }),
    get('no', '{{ input.nobody }}', { if: { value: '{{ input.wanted }}', equals: false } }),
    get('later', 'd', { if: { value: '{{ steps.first.status }}', equals: 200 } }),
    get('wrong', 'e', { if: '{{ input.nobody }}' }),
  ]
  const { steps: rows, faults } = dryRun({ steps }, { input: { wanted: true } })
  expect(rows.map(({ runs, input }) => [runs, input !== null])).toEqual([
    [true, true],
    [true, true],
    [false, false],
    [null, true],
    [null, true],
  ])
  expect(faults).toEqual([{ path: 'body.steps[4].if', message: expect.stringMatching(/Unknown variable/) }])
})

test('what `set` sets is known to later steps, where all of it is', () => {
  const named = (id: string, value: string) => ({ id, type: 'set', input: { values: { path: value } } })
  const steps = [
    named('known', '{{ input.path }}'),
    named('unknown', '{{ run.id }}'),
    get('first', '{{{ steps.known.path }}}'),
    get('second', '{{ steps.unknown.path }}'),
  ]
  expect(urls({ steps }, { input: { path: 'a/b' } }).slice(2)).toEqual([
    ['steps[2]', true, 'https://x/a/b', []],
    ['steps[3]', true, 'https://x/{{ steps.unknown.path }}', ['steps.unknown.path']],
  ])
})

test('a result that is given as null is known', () => {
  const steps = [get('first', 'a'), get('second', '{{ steps.first }}')]
  expect(urls({ steps }, { step_results: { first: null } })[1]).toEqual([
    'steps[1]',
    true,
    'https://x/null',
    [],
  ])
})

test('the final steps are shown last, and see the results of all others', () => {
  const definition = {
    steps: [get('first', 'a')],
    finally: [get('clean', '{{ steps.first.status }}')],
    output: '{{ steps.first.status }}',
  }
  const { steps, output } = dryRun(definition, { step_results: { first: { status: 204 } } })
  expect(steps.at(-1)).toMatchObject({ path: 'finally[0]', input: { value: { url: 'https://x/204' } } })
  expect(output).toEqual({ value: 204, unknown: [] })
})
