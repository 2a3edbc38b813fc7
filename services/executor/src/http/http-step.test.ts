import { expect, test } from '@jest/globals'
import { SecretValue } from '@opsconductor/redact'
import type { StepTools } from '../step-types/define-step-type.ts'
import type { HttpRequest } from './exchange.ts'
import { sendHttpStep } from './http-step.ts'
import { HttpStepInput } from './http-step-input.ts'

/** What would be sent with a credential that adds these. */
async function sentWith(headers: Record<string, string>, query: Record<string, string> = {}, isHttp = true) {
  const wrap = (parts: Record<string, string>) =>
    Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, new SecretValue(text)]))
  const sent: HttpRequest[] = []
  const tools = {
    credential: {
      id: 'c',
      type: 'made_up',
      secret: {},
      extra: {},
      http: isHttp ? { headers: wrap(headers), query: wrap(query) } : null,
    },
    http: async (request: HttpRequest) => {
      sent.push(request)
      return { status: 200, headers: {}, body: null }
    },
  } as Partial<StepTools> as StepTools
  const input = HttpStepInput.parse({
    url: 'https://h.example/a?k=old&x=1#f',
    headers: { Authorization: 'from the job', Other: 'kept' },
  })
  await sendHttpStep('POST', input, tools, { body: { contentType: 'text/plain', content: 'x' } })
  return sent
}

test('what a credential of any type adds goes into the request, over what the job set', async () => {
  const [request] = await sentWith({ AUTHORIZATION: 'Bearer abcd' }, { k: 'new&1' })
  expect(request?.headers).toMatchObject({ authorization: 'Bearer abcd', other: 'kept' })
  expect(request?.url.href).toBe('https://h.example/a?k=new%261&x=1')
})

test.each([
  'Host',
  'content-length',
  'Transfer-Encoding',
  'CONTENT-TYPE',
  'Connection',
  'Upgrade',
  'Accept-Encoding',
])('a credential cannot set %s: nothing is sent', async (name) => {
  await expect(sentWith({ [name]: 'abcd' })).rejects.toMatchObject({ code: 'step_failed' })
})

test('a credential that is not applied to requests is refused: nothing is sent without it', async () => {
  await expect(sentWith({}, {}, false)).rejects.toMatchObject({
    code: 'step_failed',
    message: expect.stringContaining('made_up'),
  })
})
