import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createStepRunner, lent, opened } from '../http/step-runner.ts'
import { type Received, sendJson, startTarget } from '../support/target-server.ts'

let target: Awaited<ReturnType<typeof startTarget>>
let runner: ReturnType<typeof createStepRunner>
let answer: (response: ServerResponse, received: Received) => void
beforeAll(async () => {
  target = await startTarget((received, response) => answer(response, received))
  runner = createStepRunner({ policy: opened(target.port) })
})
afterAll(async () => {
  await runner.close()
  await target.close()
})
beforeEach(() => {
  target.received.length = 0
  answer = (response, { url, body }) => sendJson(response, { url, body })
})

const messages = [{ role: 'user', content: 'why?' }]
const inputs = {
  'llm.call': () => ({ base_url: `${target.url}/v1`, model: 'small', messages }),
  'agent.call': () => ({ url: `${target.url}/agent`, input: { ticket: 7 } }),
  'tool.call': () => ({ url: `${target.url}/tool`, arguments: { host: 'web' } }),
}
const types = Object.keys(inputs) as (keyof typeof inputs)[]
const call = (type: keyof typeof inputs, more: object = {}) =>
  runner.run(type, { ...inputs[type](), ...more })
const failureOf = (type: keyof typeof inputs, more: object = {}, options: object = {}) =>
  runner.failure(type, { ...inputs[type](), ...more }, options)
const sent = () => JSON.parse(target.received[0]?.body ?? 'null')

const completion = (message: unknown, more: object = {}) => ({
  choices: [{ index: 0, message, finish_reason: 'length' }],
  ...more,
})

test('001.22 llm.call asks for a chat completion as OpenAI has it, and answers text, reason and what was counted', async () => {
  answer = (response) =>
    sendJson(
      response,
      completion(
        { role: 'assistant', content: 'because' },
        {
          id: 'x',
          model: 'small-1',
          usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4, completion_tokens_details: {} },
        },
      ),
    )
  const result = await call('llm.call', {
    max_tokens: 9,
    temperature: 0,
    base_url: `${target.url}/v1/?api-version=2`,
  })
  expect(target.received[0]).toMatchObject({ method: 'POST', url: '/v1/chat/completions?api-version=2' })
  expect(sent()).toEqual({ model: 'small', messages, stream: false, max_tokens: 9, temperature: 0 })
  expect(result).toEqual({
    text: 'because',
    finish_reason: 'length',
    model: 'small-1',
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
  })
})

test('what a model does not say is empty or null', async () => {
  answer = (response) => sendJson(response, completion({ content: null }))
  expect(await call('llm.call')).toEqual({ text: '', finish_reason: 'length', model: null, usage: null })
})

test.each<[string, unknown]>([
  ['no choices', {}],
  ['an empty list of choices', { choices: [] }],
  ['a choice without a message', { choices: [{}] }],
  ['content that is no text', completion({ content: [{ type: 'text', text: 'x' }] })],
  [
    'a negative number of tokens',
    completion({ content: 'x' }, { usage: { prompt_tokens: -1, total_tokens: 1 } }),
  ],
  ['nothing', null],
  ['a list', []],
])('an answer with %s is no chat completion', async (_, body) => {
  answer = (response) => sendJson(response, body)
  expect(await failureOf('llm.call')).toMatchObject({
    code: 'step_failed',
    message: 'The target did not answer a chat completion.',
  })
})

test('001.22 agent.call posts its input and answers what the agent answers; 204 is null', async () => {
  answer = (response) => sendJson(response, { done: [1] }, 201)
  expect(await call('agent.call')).toEqual({ status: 201, output: { done: [1] } })
  expect(sent()).toEqual({ input: { ticket: 7 } })
  expect(target.received[0]?.headers['idempotency-key']).toBe('run:step')
  answer = (response) => void response.writeHead(204).end()
  expect(await call('agent.call')).toEqual({ status: 204, output: null })
})

test('001.22 tool.call sends its arguments as JSON, or in the query where the method has no body', async () => {
  expect((await call('tool.call')).output).toEqual({ url: '/tool', body: '{"host":"web"}' })
  for (const method of ['GET', 'DELETE']) {
    const given = { q: 'a&b', n: 1, yes: true, none: null }
    const { output } = await call('tool.call', { method, arguments: given })
    expect(output).toEqual({ url: '/tool?q=a%26b&n=1&yes=true', body: '' })
  }
})

test('what the URL of a tool asks stands: an argument of the same name is refused', async () => {
  const url = `${target.url}/tool?action=read`
  const input = { url, method: 'GET', arguments: { action: 'delete' } }
  expect(await failureOf('tool.call', input)).toMatchObject({
    code: 'validation_failed',
    message: 'input.arguments.action must not be given: the URL says it.',
  })
  expect(target.received).toEqual([])
  const { output } = await call('tool.call', { ...input, arguments: { host: 'web' } })
  expect(output).toMatchObject({ url: '/tool?action=read&host=web' })
})

test('arguments that do not fit the schema, or a query, are refused before anything is sent', async () => {
  const input_schema = { type: 'object', required: ['host'], properties: { host: { type: 'string' } } }
  expect(await failureOf('tool.call', { input_schema, arguments: { host: 7 } })).toMatchObject({
    code: 'validation_failed',
    message: expect.stringContaining('input.arguments.host'),
  })
  for (const wrong of [
    { input_schema: { type: 'nonsense' } },
    { method: 'GET', arguments: { list: [1] } },
    { method: 'GET', arguments: { long: 'x'.repeat(9_000) } },
  ])
    expect((await failureOf('tool.call', wrong)).code).toBe('validation_failed')
  expect(target.received).toEqual([])
})

const deep = `${'['.repeat(500)}${']'.repeat(500)}`
test.each<[string, (response: ServerResponse) => void, string]>([
  [
    'says JSON and answers none',
    (to) => to.setHeader('content-type', 'application/json').end('{"a":'),
    'step_failed',
  ],
  ['answers a page', (to) => to.setHeader('content-type', 'text/html').end('<p>Log in</p>'), 'step_failed'],
  [
    'answers JSON and says it is text',
    (to) => to.setHeader('content-type', 'text/plain').end('{}'),
    'step_failed',
  ],
  [
    'answers too much',
    (to) => to.setHeader('content-type', 'application/json').end(`"${'x'.repeat(2 << 20)}"`),
    'target_answer_too_large',
  ],
  [
    'answers too deep',
    (to) => to.setHeader('content-type', 'application/json').end(deep),
    'target_answer_too_large',
  ],
  ['redirects', (to) => to.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), 'target_refused'],
  ['refuses', (to) => sendJson(to, { error: 'no' }, 401), 'target_refused'],
  ['wants a pause', (to) => sendJson(to, { error: 'slow down' }, 429), 'target_failed'],
  ['breaks', (to) => sendJson(to, {}, 500), 'target_failed'],
  ['hangs up', (to) => void to.destroy(), 'target_unreachable'],
])('a target that %s fails the step, whichever it is', async (_, misbehave, code) => {
  answer = misbehave
  for (const type of types) expect([type, (await failureOf(type)).code]).toEqual([type, code])
})

test('a target that never ends its answer ends the step when its time is up', async () => {
  answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('[')
  const controller = new AbortController()
  const failing = failureOf('agent.call', {}, { signal: controller.signal })
  while (target.received.length === 0) await new Promise(setImmediate)
  controller.abort(new Error('cancelled'))
  expect((await failing).message).toBe('cancelled')
})

test.each(types)('%s carries its credential, and no header of the input stands in for it', async (type) => {
  const credential = lent('bearer_token', { token: 'abcdefgh' }, {}, { authorization: 'Bearer abcdefgh' })
  answer = (response) => sendJson(response, completion({ content: 'x' }))
  await runner.run(type, { ...inputs[type](), headers: { Authorization: 'Bearer other' } }, { credential })
  expect(target.received[0]?.headers.authorization).toBe('Bearer abcdefgh')
})

test('001.22 a target that does not take the credential fails the step, and is not asked again', async () => {
  answer = (response) => sendJson(response, {}, 401)
  const credential = lent('api_key', { key: 'abcdefgh' }, {}, { 'x-api-key': 'abcdefgh' })
  for (const type of types) {
    target.received.length = 0
    const { code, message } = await failureOf(type, {}, { credential })
    expect([code, target.received.length]).toEqual(['target_refused', 1])
    expect(message).not.toContain('abcdefgh')
  }
})
