import { expect, test } from '@jest/globals'
import type { Condition } from '@opsconductor/contracts'
import { evaluateCondition } from './evaluate-condition.ts'

const scope = {
  input: {
    yes: true,
    n: 3,
    text: 'abc',
    none: null,
    list: [1, { a: [2] }],
    own: JSON.parse('{"__proto__":1}'),
  },
  steps: { fetch: { status: 200 } },
  run: {},
}
const holds = (condition: Condition) => evaluateCondition(condition, scope)

test.each<[Condition, boolean]>([
  [true, true],
  ['{{ input.yes }}', true],
  [{ value: '{{ steps.fetch.status }}', equals: 200 }, true],
  [{ value: '{{ steps.fetch.status }}', equals: '200' }, false],
  [{ value: '{{ steps.fetch.status }}', not_equals: '200' }, true],
  [{ value: '{{ input.list }}', equals: [1, { a: [2] }] }, true],
  [{ value: '{{ input.list }}', equals: { 0: 1, 1: { a: [2] } } }, false],
  [{ value: '{{ input.own }}', equals: {} }, false],
  [{ value: 'a{{ input.n }}', in: ['a3', 4] }, true],
  [{ value: '{{ input.n }}', not_in: ['{{ input.n }}'] }, false],
  [{ value: '{{ input.n }}', greater_than: 3 }, false],
  [{ value: '{{ input.n }}', at_least: 3 }, true],
  [{ value: '{{ input.n }}', less_than: 3.5 }, true],
  [{ value: '{{ input.n }}', at_most: 2 }, false],
  [{ value: '{{ input.text }}', greater_than: 'abb' }, true],
  [{ value: '{{ input.text }}', contains: 'bc' }, true],
  [{ value: '{{ input.list }}', contains: { a: [2] } }, true],
  [{ value: '{{ input.none }}', exists: true }, false],
  [{ value: '{{ input.nobody.at.all }}', exists: false }, true],
  [{ value: '{{ input.n }}', exists: true }, true],
  [{ all: ['{{ input.yes }}', { value: 1, equals: 2 }] }, false],
  [{ any: [{ value: 1, equals: 2 }, '{{ input.yes }}'] }, true],
  // What comes first decides: a later part may need what the first one asks for.
  [{ all: [{ value: '{{ input.nobody }}', exists: true }, '{{ input.nobody }}'] }, false],
])('%j is %s', (condition, expected) => expect(holds(condition)).toBe(expected))

test.each<[Condition, string]>([
  ['{{ input.text }}', 'renders to a string, not to true or false'],
  ['true', 'renders to a string'],
  ['{{ input.nobody }}', 'Unknown variable {{ input.nobody }}.'],
  [{ value: '{{ input.nobody }}', equals: 1 }, 'Unknown variable'],
  [{ value: '{{ input.text }}', less_than: 5 }, 'compares a string with a number'],
  [{ value: '{{ input.none }}', at_most: 5 }, 'compares null with a number'],
  [{ value: '{{ input.n }}', contains: 3 }, 'looks for a number in a number'],
  [{ value: 'x{{ input.n }}', exists: true }, 'is not one variable'],
  [{ value: '{{ input.__proto__ }}', equals: 1 }, 'Unknown variable'],
])('%j cannot be decided: %s', (condition, message) => expect(() => holds(condition)).toThrow(message))
