import { expect, test } from '@jest/globals'
import { renderTemplates } from './render.ts'

const scope = {
  input: { name: 'Ada', n: 3, none: null, list: [{ id: 7 }], nested: { 'content-type': 'x' }, html: '<b>&"' },
  steps: { fetch: { body: { items: [{ id: 'a1' }] }, status: 200 } },
  run: { id: 'r1' },
}
const render = (value: unknown) => renderTemplates(value, scope)

test('000.19 a string that is one variable becomes its value with its type', () => {
  expect(render('{{ input.n }}')).toBe(3)
  expect(render('{{input.none}}')).toBeNull()
  expect(render('{{ input.list }}')).toEqual([{ id: 7 }])
  expect(render('{{ steps.fetch.body.items.0.id }}')).toBe('a1')
  expect(render('{{ input.nested.content-type }}')).toBe('x')
})

test('in a longer string a string stands as it is, without HTML escapes, and anything else as its JSON', () => {
  expect(render('Dear {{ input.name }}{{! a comment }}, {{ input.html }}')).toBe('Dear Ada, <b>&"')
  expect(render('{{ input.n }}-{{ input.none }}-{{ input.list }}')).toBe('3-null-[{"id":7}]')
})

test('every string inside objects and arrays is rendered, keys are not', () => {
  expect(render({ '{{ input.name }}': ['{{ run.id }}', 1, true, null] })).toEqual({
    '{{ input.name }}': ['r1', 1, true, null],
  })
})

test.each([
  'input.nobody',
  'input.name.length',
  'input.list.length',
  'input.list.1',
  'input.list.00',
  'input.list.-1',
  'steps.other',
  'nothing',
  'input.toString',
  'input.hasOwnProperty',
  'steps.fetch.body.items.map',
])('a variable that does not exist is named in the error: %s', (path) => {
  expect(() => render(`{{ ${path} }}`)).toThrow(`Unknown variable {{ ${path} }}.`)
})

test.each([
  'input.constructor',
  'input.__proto__',
  'constructor.constructor',
  'input.name.constructor.prototype',
])('prototypes cannot be reached: %s', (path) => {
  expect(() => render(`{{ ${path} }}`)).toThrow(`Unknown variable {{ ${path} }}.`)
  const owned = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": 1}}')
  expect(() => renderTemplates(`{{ ${path} }}`, { ...scope, input: owned })).toThrow('Unknown variable')
})

test('a key __proto__ stays a key and changes no prototype', () => {
  const rendered = render(JSON.parse('{"__proto__": {"polluted": "{{ input.n }}"}}')) as object
  expect(Object.keys(rendered)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(rendered)).toBe(Object.prototype)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test.each([
  '{{# input.list }}x{{/ input.list }}',
  '{{^ input.none }}x{{/ input.none }}',
  '{{> other }}',
  '{{=<% %>=}}',
])('only variables are allowed: %s', (text) =>
  expect(() => render(text)).toThrow('only variables are allowed'),
)

test.each([
  '{{ a',
  '{{}}',
  '{{ . }}',
  '{{ a b }}',
  '{{ a..b }}',
  '{{ input[0] }}',
  '{{ input.name() }}',
  '{{ "x" }}',
])('a template that is not well formed is an error, not a text: %s', (text) =>
  expect(() => render(text)).toThrow(/not well formed|not a variable/),
)

test('what a target answered is data, never a template', () => {
  const answered = { ...scope, steps: { fetch: { body: '{{ input.name }}' } } }
  expect(renderTemplates('got {{ steps.fetch.body }}', answered)).toBe('got {{ input.name }}')
})

test('what templates render to is bounded', () => {
  const big = { ...scope, input: { big: 'x'.repeat(200_000) } }
  expect(() => renderTemplates('{{ input.big }}{{ input.big }}', big)).toThrow('render to more than')
  expect(() => renderTemplates(['{{ input.big }}', '{{ input.big }}'], big)).toThrow('render to more than')
  expect(() => render('{{ input.n }}'.repeat(2_000))).toThrow('more than 1000 parts')
  expect(() => render('{{'.padEnd(200_000, 'x'))).toThrow('longer than')
})

const url = (text: string, input: unknown) =>
  renderTemplates({ url: text }, { ...scope, input }, { urlFields: ['url'] })

test('in a URL a variable cannot leave the place it stands in', () => {
  expect(url('http://a/items/{{ input.id }}?q={{ input.q }}', { id: '../x?y#z', q: 'a&b=c d' })).toEqual({
    url: 'http://a/items/..%2Fx%3Fy%23z?q=a%26b%3Dc%20d',
  })
  for (const id of ['..', '.'])
    expect(() => url('http://a/items/{{ input.id }}/x', { id })).toThrow('path segment of dots')
  expect(url('http://a/{{ input.id }}/x', { id: '%2e%2e' })).toEqual({ url: 'http://a/%252e%252e/x' })
  expect(() => url('http://a/{{ input.id }}/x', { id: '\ud800' })).toThrow('well-formed Unicode')
})

test('in a URL a variable is taken as it is where it is the whole, or written with three braces', () => {
  expect(url('{{ input.url }}', { url: 'http://a/b' })).toEqual({ url: 'http://a/b' })
  expect(url('{{{ input.base }}}/c', { base: 'http://a/b' })).toEqual({ url: 'http://a/b/c' })
})
