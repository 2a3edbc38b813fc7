import { expect, test } from '@jest/globals'
import { renderKnown } from './render-known.ts'

const scope = { input: { n: 3, host: 'a/b' }, steps: { fetch: { id: 7 } }, run: {} }
const isUnknown = ([root, name]: readonly string[]) =>
  root === 'run' || (root === 'steps' && name !== 'fetch' && name !== undefined)
const render = (value: unknown, urlFields?: string[]) =>
  renderKnown(value, scope, isUnknown, urlFields && { urlFields })

test('what is known is rendered; a text that needs what is not stands as it is written, and says what it needs', () => {
  expect(
    render({
      n: '{{ input.n }}',
      id: ['{{ steps.fetch.id }}'],
      later: 'a {{ steps.other.body.x }} {{ input.n }}',
      run: '{{ run.id }} {{ run.id }}',
    }),
  ).toEqual({
    value: {
      n: 3,
      id: [7],
      later: 'a {{ steps.other.body.x }} {{ input.n }}',
      run: '{{ run.id }} {{ run.id }}',
    },
    unknown: ['steps.other.body.x', 'run.id'],
  })
})

test('a URL is encoded as in a run', () => {
  expect(
    render({ url: 'http://x/{{ input.host }}', more: 'http://x/{{ input.host }}' }, ['url']).value,
  ).toEqual({ url: 'http://x/a%2Fb', more: 'http://x/a/b' })
})

test('what cannot be rendered is the error of a run', () => {
  expect(() => render('{{ input.nobody }}')).toThrow('Unknown variable {{ input.nobody }}.')
  expect(() => render('{{ steps.fetch.nobody }}')).toThrow('Unknown variable')
  expect(() => render('{{# input.n }}')).toThrow()
})

test('a key __proto__ stays a key', () => {
  const { value } = render(JSON.parse('{"__proto__": {"x": "{{ input.n }}"}}'))
  expect(JSON.stringify(value)).toBe('{"__proto__":{"x":3}}')
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
})
