import { createHmac } from 'node:crypto'
import { createGzip } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { stepTypes } from '../../src/step-types/index.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { createStepRunner, lent, opened } from './step-runner.ts'

let target: Awaited<ReturnType<typeof startTarget>>
let runner: ReturnType<typeof createStepRunner>

beforeAll(async () => {
  target = await startTarget((received, response) => {
    const { pathname } = new URL(received.url, 'http://x')
    const { method, headers, body, url } = received
    if (pathname === '/xml')
      response
        .writeHead(200, { 'content-type': 'application/xml; charset=utf-8' })
        .end('<?xml version="1.0"?><order id="7"><line>a &amp; b</line><line>&#233;</line></order>')
    else if (pathname === '/latin1')
      response
        .writeHead(200, { 'content-type': 'text/plain; charset=ISO-8859-1' })
        .end(Buffer.from('caf\xe9', 'latin1'))
    else if (pathname === '/bytes') response.writeHead(200).end(Buffer.from([0, 255, 1]))
    else if (pathname === '/zipped') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      const gzip = createGzip()
      gzip.pipe(response)
      gzip.end('{"zipped":true}')
    } else if (pathname === '/order')
      sendJson(response, {
        id: 7,
        state: 'open',
        items: [
          { sku: 'a', count: 1 },
          { sku: 'b', count: 5 },
        ],
      })
    else if (pathname === '/broken')
      response
        .writeHead(503, { 'content-type': 'application/json', 'retry-after': '7' })
        .end(`<html>${'x'.repeat(20_000_000)}`)
    else if (pathname === '/refuses') sendJson(response, { why: 'no' }, 404)
    else sendJson(response, { method, url, type: headers['content-type'] ?? null, body })
  })
  runner = createStepRunner({ policy: opened(target.port) })
})
afterAll(async () => {
  await runner?.close()
  await target?.close()
})

const at = (path: string, more: Record<string, unknown> = {}) => ({ url: target.url + path, ...more })

test.each(['get', 'post', 'put', 'patch', 'delete'])(
  '000.01 000.03 http.%s sends its method and its query',
  async (method) => {
    const result = await runner.run(`http.${method}`, at('/a', { query: { q: ['a b', 1], yes: true } }))
    expect(result).toMatchObject({
      status: 200,
      body: { method: method.toUpperCase(), url: '/a?q=a+b&q=1&yes=true' },
    })
  },
)

test.each<[string, Record<string, unknown>, string, string]>([
  ['JSON', { json: { a: [1, 'é', null] } }, 'application/json', '{"a":[1,"é",null]}'],
  ['null as JSON', { json: null }, 'application/json', 'null'],
  ['a form', { form: { a: 'b c&', n: [1, 2] } }, 'application/x-www-form-urlencoded', 'a=b+c%26&n=1&n=2'],
  ['text', { text: 'plain é' }, 'text/plain; charset=utf-8', 'plain é'],
  ['text of a type', { text: 'a,b', content_type: 'text/csv' }, 'text/csv', 'a,b'],
  ['bytes', { base64: 'aGVsbG8=' }, 'application/octet-stream', 'hello'],
  [
    'XML',
    { xml: { order: { '@id': '1"<', line: ['a & b', { '#text': 'c', '@n': 2 }], empty: '' } } },
    'application/xml; charset=utf-8',
    '<?xml version="1.0" encoding="UTF-8"?><order id="1&quot;&lt;"><line>a &amp; b</line><line n="2">c</line><empty/></order>',
  ],
])('000.03 a body of %s is sent as such', async (_, input, type, body) => {
  expect((await runner.run('http.put', at('/', input))).body).toMatchObject({ type, body })
})

test('000.03 a multipart body has its fields and files, and their names cannot end a header', async () => {
  const { body } = await runner.run(
    'http.post',
    at('/', {
      multipart: [
        { name: 'folder"\r\nx: y', value: 'in\r\nbox' },
        { name: 'file', filename: 'no"te\r\n.txt', content_type: 'text/plain', text: 'héllo' },
        { name: 'raw', filename: 'b', base64: 'AQI=' },
      ],
    }),
  )
  const [, boundary] = /^multipart\/form-data; boundary=(\S+)$/.exec(body.type) ?? []
  const parts = body.body.split(`--${boundary}`)
  expect(parts).toHaveLength(5)
  expect(parts[1]).toBe('\r\nContent-Disposition: form-data; name="folder%22%0D%0Ax: y"\r\n\r\nin\r\nbox\r\n')
  expect(parts[2].toLowerCase()).toContain(
    'filename="no%22te%0d%0a.txt"\r\ncontent-type: text/plain\r\n\r\nhéllo\r\n',
  )
  expect(parts[3]).toContain('\x01\x02')
})

test('more than one body is refused, when the job is saved and when it runs', async () => {
  const failure = await runner.failure('http.post', at('/', { json: {}, text: 'x' }))
  expect(failure).toMatchObject({
    code: 'validation_failed',
    message: 'input must have only one of json, text.',
  })
  expect(stepTypes.get('http.post')?.check?.({ json: {}, text: '{{ input.text }}' })).toEqual([
    { at: '', message: 'must have only one of json, text' },
  ])
})

test('POST and PATCH carry the Idempotency-Key of the step; the others repeat themselves without harm', async () => {
  for (const [method, key] of [
    ['post', 'run:step'],
    ['patch', 'run:step'],
    ['put', undefined],
    ['delete', undefined],
    ['get', undefined],
  ]) {
    await runner.run(`http.${method}`, at('/'))
    expect([method, target.received.at(-1)?.headers['idempotency-key']]).toEqual([method, key])
  }
})

test('000.03 an XML answer is its value, with attributes, lists and texts as they are', async () => {
  expect((await runner.run('http.get', at('/xml'))).body).toEqual({
    order: { '@id': '7', line: ['a & b', 'é'] },
  })
})

test('an answer is read in its character set, and decompressed where a target compresses unasked', async () => {
  expect((await runner.run('http.get', at('/latin1'))).body).toBe('café')
  expect((await runner.run('http.get', at('/zipped'))).body).toEqual({ zipped: true })
  expect(target.received.at(-1)?.headers['accept-encoding']).toBe('identity')
})

test('bytes come as base64 where they are asked for', async () => {
  expect((await runner.run('http.get', at('/bytes', { answer_as: 'base64' }))).body).toBe('AP8B')
})

test('000.04 what later steps need is extracted by JSONPath', async () => {
  const { extracted } = await runner.run(
    'http.get',
    at('/order', {
      extract: { id: '$.id', skus: '$.items[?@.count > 2].sku', none: '$.items[?@.count > 9]' },
    }),
  )
  expect(extracted).toEqual({ id: 7, skus: ['b'], none: [] })
  expect(await runner.failure('http.get', at('/order', { extract: { gone: '$.nothing' } }))).toMatchObject({
    code: 'step_failed',
    message: 'The answer has no $.nothing, which extract.gone names.',
  })
})

test('000.04 an answer that meets every expectation is taken', async () => {
  const result = await runner.run(
    'http.get',
    at('/order', {
      expect_status: [200],
      expect_headers: { 'Content-Type': { contains: 'json' }, date: true },
      expect_schema: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } },
      expect: [
        '$.items[?@.sku == "b"]',
        { path: '$.state', in: ['open', 'held'] },
        { path: '$.items[*].count', not_equals: 0, count_min: 2, count_max: 2 },
        { path: '$.items[0]', equals: { sku: 'a', count: 1 } },
        { path: '$.error', exists: false },
      ],
    }),
  )
  expect(result.status).toBe(200)
})

test.each<[string, Record<string, unknown>, string]>([
  ['a header that is not there', { expect_headers: { etag: true } }, "The answer's header etag is not"],
  [
    'a header that only every object has',
    { expect_headers: { constructor: true } },
    "The answer's header constructor",
  ],
  [
    'another header',
    { expect_headers: { 'content-type': 'text/plain' } },
    "The answer's header content-type",
  ],
  [
    'another shape',
    { expect_schema: { type: 'object', properties: { id: { type: 'string' } } } },
    'The answer does not fit expect_schema: body.id must be string.',
  ],
  [
    'a path that finds nothing',
    { expect: ['$.items[?@.sku == "z"]'] },
    'expect[0]: $.items[?@.sku == "z"] finds nothing',
  ],
  ['another value', { expect: [{ path: '$.state', equals: 'done' }] }, 'expect[0]: $.state is another value'],
  [
    'too few',
    { expect: ['$.id', { path: '$.items[*]', count_min: 3 }] },
    'expect[1]: $.items[*] finds fewer than 3',
  ],
])('000.04 %s fails the step and says which expectation', async (_, input, message) => {
  const failure = await runner.failure('http.get', at('/order', input))
  expect(failure).toMatchObject({ code: 'step_failed', message: expect.stringContaining(message) })
})

test('a body goes into an artefact, but not the body of an error', async () => {
  const result = await runner.run('http.get', at('/order', { save_as: 'order.json' }))
  expect(result).toMatchObject({
    body: null,
    artefact: { name: 'order.json', content_type: 'application/json', bytes: 77 },
  })
  expect(JSON.parse(runner.saved.at(-1)?.text ?? '').id).toBe(7)
  const before = runner.saved.length
  await runner.failure('http.get', at('/refuses', { save_as: 'x' }))
  expect(runner.saved).toHaveLength(before)
  expect(runner.exchanges.at(-1)?.responseBody).toBe('{"why":"no"}')
})

test.each<[string, Record<string, string> | undefined, Record<string, string>]>([
  ['http_basic', { authorization: 'Basic YTpi' }, { authorization: 'Basic YTpi' }],
  ['bearer_token', { authorization: 'Bearer t-0123' }, { authorization: 'Bearer t-0123' }],
  ['api_key', { 'X-API-Key': 'k-0123' }, { 'x-api-key': 'k-0123' }],
])('000.02 %s authenticates every method', async (type, headers, received) => {
  const credential = lent(type, {}, {}, headers)
  for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
    await runner.run(`http.${method}`, at('/'), { credential })
    expect(target.received.at(-1)?.headers).toMatchObject(received)
  }
})

test('an error is an error, whatever its body is and however large: only its beginning is read', async () => {
  const failure = await runner.failure('http.get', at('/broken'))
  expect(failure).toMatchObject({
    code: 'target_failed',
    message: 'The target answered 503.',
    error: { retryAfterSeconds: 7 },
  })
  const { responseBody } = runner.exchanges.at(-1) ?? {}
  expect(responseBody).toMatch(/^<html>x+$/)
  expect(responseBody?.length).toBeLessThan(1_000_000)
})

test('a step that says how to sign, and has nothing to sign with, sends nothing', async () => {
  const before = target.received.length
  const hmac = { header: 'X-Signature' }
  expect(await runner.failure('http.post', at('/', { hmac }))).toMatchObject({ code: 'step_failed' })
  const credential = lent('bearer_token', {}, {}, { authorization: 'Bearer t-0123' })
  expect(await runner.failure('http.post', at('/', { hmac }), { credential })).toMatchObject({
    code: 'step_failed',
    message: 'A credential of type bearer_token is not a key for hmac.',
  })
  expect(target.received).toHaveLength(before)
})

test('000.02 a request is signed by its job with a webhook secret', async () => {
  const credential = lent('webhook_secret', { secret: 'a shared secret' })
  await runner.run('http.post', at('/', { text: 'x', hmac: { header: 'X-Signature' } }), { credential })
  const signature = createHmac('sha256', 'a shared secret').update('x').digest('hex')
  expect(target.received.at(-1)?.headers['x-signature']).toBe(signature)
})

test('a schema that is none is refused when the job is saved, and when it runs', async () => {
  const input = at('/order', { expect_schema: { type: 'strong' } })
  expect(stepTypes.get('http.get')?.check?.(input)).toMatchObject([{ at: '.expect_schema' }])
  expect(await runner.failure('http.get', input)).toMatchObject({ code: 'validation_failed' })
})
