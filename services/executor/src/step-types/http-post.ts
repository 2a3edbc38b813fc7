import { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { HttpStepOutput, httpCredentialTypes, httpInputFields, runHttpStep } from '../http/http-step.ts'
import { defineStepType } from './define-step-type.ts'

const FormFields = z.record(z.string().max(200), z.union([z.string(), z.number(), z.boolean()]))

const HttpPostInput = z
  .object({
    ...httpInputFields,
    /** Sent as JSON. At most one of `json`, `form` and `text`. */
    json: Json.optional(),
    form: FormFields.optional(),
    text: z
      .string()
      .max(1024 * 1024)
      .optional(),
  })
  .strict()

export const httpPost = defineStepType({
  type: 'http.post',
  title: 'HTTP POST',
  risk: 'medium',
  credentials: httpCredentialTypes,
  input: HttpPostInput,
  output: HttpStepOutput,
  urlFields: ['url'],
  retryable: false,
  timeoutSeconds: 30,
  examples: [
    {
      title: 'Open a ticket',
      input: {
        url: 'https://tickets.example.com/api/tickets',
        json: { title: 'Disk full on {{ input.host }}', details: '{{ steps.check.body }}' },
      },
    },
    {
      title: 'Send a form',
      input: { url: 'https://shop.example.com/search', form: { q: '{{ input.query }}' } },
    },
  ],
  check(input) {
    const given = ['json', 'form', 'text'].filter((name) => input[name] !== undefined)
    return given.length > 1 ? [{ at: '', message: `must have only one of ${given.join(', ')}` }] : []
  },
  run: (input, tools) =>
    runHttpStep('POST', input, tools, {
      headers: { 'idempotency-key': tools.idempotencyKey },
      body: bodyOf(input),
    }),
})

function bodyOf({ json, form, text }: z.infer<typeof HttpPostInput>) {
  if (json !== undefined) return { contentType: 'application/json', text: JSON.stringify(json) }
  if (form !== undefined) {
    const fields = new URLSearchParams()
    for (const [name, value] of Object.entries(form)) fields.append(name, String(value))
    return { contentType: 'application/x-www-form-urlencoded', text: fields.toString() }
  }
  return text === undefined ? undefined : { contentType: 'text/plain; charset=utf-8', text }
}
