import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { generateApiKey } from '@opsconductor/auth'
import { apiKeyTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import { type CallSetup, startCallSetup } from './call-setup.ts'
import { eventually, send } from './harness.ts'
import { patch, publishRun } from './setups.ts'

let setup: CallSetup
beforeAll(async () => {
  setup = await startCallSetup()
})
afterAll(() => setup.stop())

test('002.06 002.23 a call with a valid key runs the job and answers its output, with the run id in the X-Run-Id header', async () => {
  const answer = await setup.call(setup.runUrl, { body: { output: { hosts: ['web-01'] } } })
  expect(answer).toMatchObject({
    status: 200,
    body: { run_id: expect.any(String), status: 'succeeded', output: { hosts: ['web-01'] } },
    headers: { 'x-run-id': answer.body.run_id },
  })
})

test('a call without a body has the input {}', async () => {
  expect(await setup.call(setup.runUrl, { body: undefined })).toMatchObject({
    status: 200,
    body: { output: { done: true } },
  })
})

test('002.06 no key, a malformed, unknown, revoked or expired one is 401 and says which', async () => {
  const { harness, project, key, runUrl } = setup
  const revoked = project.createKey()
  harness.keys.revokeKey(revoked)
  const expired = harness.keys.createKey({
    projectId: project.projectId,
    expiresAt: new Date(Date.now() - 1000),
  })
  const wrongChecksum = key.slice(0, -1) + (key.at(-1) === '0' ? '1' : '0')
  const cases: [string | undefined, string][] = [
    [undefined, 'missing_api_key'],
    ['nonsense', 'malformed_api_key'],
    [wrongChecksum, 'malformed_api_key'],
    [generateApiKey().key, 'unknown_api_key'],
    [revoked, 'revoked_api_key'],
    [expired, 'expired_api_key'],
  ]
  for (const [sent, code] of cases) {
    const headers: Record<string, string> = sent === undefined ? {} : { 'x-api-key': sent }
    expect(await send(runUrl, { method: 'POST', body: {}, headers })).toMatchObject({
      status: 401,
      body: { code },
    })
  }
})

test('a key that is revoked while it is warm is refused as soon as the event says so', async () => {
  const { harness, project, call, runUrl } = setup
  const warm = project.createKey()
  const headers = { 'x-api-key': warm }
  expect((await call(runUrl, { headers })).status).toBe(200)
  harness.keys.revokeKey(warm)
  await publishEvent(harness.owner, {
    topic: apiKeyTopics.keyChanged,
    key: harness.keys.keyIdOf(warm),
  })
  const refused = await eventually(async () => {
    const answer = await call(runUrl, { headers })
    return answer.status === 401 ? answer : undefined
  })
  expect(refused.body.code).toBe('revoked_api_key')
})

test("002.23 another project's key learns nothing (404), a key bound to another interface is 403, one bound to this one passes", async () => {
  const { harness, project, workflowId, run, call, direct, runUrl } = setup
  const other = await harness.createProject()
  const { public_interface: second } = await publishRun(harness, project, workflowId, { name: 'second' })
  const withKey = (apiKey: string) => call(direct(runUrl), { headers: { 'x-api-key': apiKey } })
  expect(await withKey(other.createKey())).toMatchObject({ status: 404, body: { code: 'not_found' } })
  expect(await withKey(project.createKey(second.id))).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  })
  expect((await withKey(project.createKey(run.public_interface.id))).status).toBe(200)
})

test('002.25 an unknown hash is 404 with and without a key, also one that no hash can be', async () => {
  const { harness, key } = setup
  for (const hash of [randomUUID().replaceAll('-', ''), 'x', '%00', 'A'.repeat(32), '__proto__', ''])
    for (const headers of [{}, { 'x-api-key': key }] as Record<string, string>[])
      expect(
        await send(`${harness.publicUrl}/api/v1/${hash}/run`, { method: 'POST', body: {}, headers }),
      ).toMatchObject({ status: 404, body: { code: 'not_found' } })
  expect((await send(`${harness.publicUrl}/api/v1/%zz/run`)).status).toBe(404)
})

test('the path is matched whole, the method exactly: 404 for another path, 405 with Allow for another method', async () => {
  const { call, direct, runUrl } = setup
  const url = direct(runUrl)
  const paths = [`${url}/`, `${url}x`, `${url}/x`, url.replace(/run$/, 'RUN'), url.replace(/run$/, '%72un')]
  for (const path of paths) expect((await call(path)).status).toBe(404)
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS'])
    expect(await call(url, { method, body: undefined })).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
    })
})

test('a body of a JSON-based media type is the input, not passed over', async () => {
  const headers = { 'content-type': 'application/vnd.example+json' }
  expect(await setup.call(setup.runUrl, { body: { output: 'kept' }, headers })).toMatchObject({
    status: 200,
    body: { output: 'kept' },
  })
})

test('a body that is no JSON, of another type or over the limit is 400, 415 and 413', async () => {
  const { call, runUrl } = setup
  expect(await call(runUrl, { body: '{"a":' })).toMatchObject({
    status: 400,
    body: { code: 'malformed_json' },
  })
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await call(runUrl, { body: 'a=1', headers: form })).toMatchObject({
    status: 415,
    body: { code: 'unsupported_media_type' },
  })
  expect(await call(runUrl, { body: { a: 'x'.repeat(1_100_000) } })).toMatchObject({
    status: 413,
    body: { code: 'body_too_large' },
  })
})

test('input against the schema is 422 naming the field, and no run is started', async () => {
  const { call, runUrl, worker } = setup
  const before = worker.effects.length
  expect(await call(runUrl, { body: { wait_ms: 'long', effect: 'never' } })).toMatchObject({
    status: 422,
    body: { code: 'validation_failed', errors: [{ path: 'body.wait_ms' }] },
  })
  expect(await call(runUrl, { body: { effect: 'a\0b' } })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.effect' }] },
  })
  expect((await call(runUrl, { body: '[1]' })).status).toBe(422)
  expect((await call(runUrl, { body: '['.repeat(50_000) + ']'.repeat(50_000) })).status).toBe(422)
  expect(worker.effects.length).toBe(before)
})

test('a changed schema counts for the next call', async () => {
  const { harness, project, workflowId, call } = setup
  const { id, public_interface: face } = await publishRun(harness, project, workflowId, { name: 'strict' })
  expect((await call(face.url)).status).toBe(200)
  const input_schema = { type: 'object', required: ['host'] }
  await patch(harness, project, `/api/interfaces/${id}`, { input_schema })
  await eventually(async () => ((await call(face.url)).status === 422 ? true : undefined))
})

test('a GET interface takes its query parameters as an object of strings', async () => {
  const { harness, project, workflowId, call } = setup
  const { public_interface: face } = await publishRun(harness, project, workflowId, {
    name: 'look',
    http_method: 'GET',
    input_schema: {
      type: 'object',
      required: ['output'],
      properties: { output: { type: 'string', maxLength: 5 } },
    },
  })
  const ask = (query: string) => call(`${face.url}?${query}`, { method: 'GET', body: undefined })
  expect(await ask('output=42')).toMatchObject({ status: 200, body: { output: '42' } })
  for (const query of ['output=too+long', 'output=%00', 'output=a&output=b', '__proto__=1'])
    expect(await ask(query)).toMatchObject({ status: 422, body: { errors: [{ path: 'query.output' }] } })
})
