import { expect, jest, test } from '@jest/globals'
import { compileSchema, schemaFault } from './compile-schema.ts'
import { TooMuchWork, withinLimit } from './time-limit.ts'

test('a value that fits has no error; one that does not is told by the path of the field', () => {
  const validate = compileSchema({
    type: 'object',
    required: ['host'],
    additionalProperties: false,
    properties: {
      host: { type: 'string', format: 'hostname' },
      ports: { type: 'array', items: { type: 'integer' } },
    },
  })
  expect(validate({ host: 'db1', ports: [1] }, 'body')).toBeUndefined()
  expect(validate({ ports: [] }, 'body')).toMatchObject({ path: 'body.host' })
  expect(validate({ host: 'db1', ports: [1, 'x'] }, 'body')).toMatchObject({ path: 'body.ports[1]' })
  expect(validate({ host: 'db1', extra: 1 }, 'query')).toMatchObject({ path: 'query.extra' })
  expect(validate(JSON.parse('{"host":"db1","__proto__":{}}'), 'body')).toMatchObject({
    path: 'body.__proto__',
  })
})

test.each([1, 2, 3, 5, 8, 13])(
  'a time limit of %i ms on the first schema of a process does no harm to the next one',
  async (limitMs) => {
    jest.resetModules()
    const fresh = await import('./compile-schema.ts')
    try {
      withinLimit(limitMs, () => fresh.compileSchema({}))
    } catch (error) {
      expect(error).toBeInstanceOf(TooMuchWork)
    }
    expect(fresh.schemaFault({ type: 'object' })).toBeUndefined()
  },
)

test('names of prototypes do not count as given', () => {
  const validate = compileSchema({ type: 'object', required: ['constructor'] })
  expect(validate({}, 'body')).toMatchObject({ path: 'body.constructor' })
})

test.each([
  ['a type that does not exist', { type: 'strong' }],
  ['a reference out of the document', { $ref: 'https://example.org/schema.json' }],
  ['an asynchronous schema', { $async: true, type: 'object' }],
  ['a pattern that is none', { type: 'string', pattern: '(' }],
  ['a schema over 64 KB', { description: 'x'.repeat(70_000) }],
])('%s is no schema that we can use', (_, schema) => {
  expect(schemaFault(schema)).toMatch('is not a usable JSON Schema')
})

test('the same $id in two schemas does no harm, and an older dialect is taken', () => {
  const schema = {
    $id: 'https://example.org/a',
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'string',
  }
  expect(compileSchema(schema)('x', 'body')).toBeUndefined()
  expect(compileSchema({ ...schema, type: 'number' })('x', 'body')).toMatchObject({ path: 'body' })
})

test.each([
  ['a pattern that backtracks for ever', { type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(60)}b`],
  ['a schema that refers to itself', { $ref: '#' }, 1],
  [
    'branches that double at each level',
    { type: 'object', anyOf: [1, 2].map(() => ({ properties: { a: { $ref: '#' } } })) },
    Array.from({ length: 60 }).reduce<unknown>((inner) => ({ a: inner }), 1),
  ],
  [
    'comparing 30,000 objects in pairs',
    { uniqueItems: true },
    Array.from({ length: 30_000 }, (_, i) => ({ i })),
  ],
])('%s ends as a refusal', (_, schema, value) => {
  expect(compileSchema(schema)(value, 'body')).toMatchObject({
    path: 'body',
    message: 'takes too long to check against the schema',
  })
})
