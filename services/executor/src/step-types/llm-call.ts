import { TargetUrl } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { httpCredentialTypes } from '../http/auth/authenticate.ts'
import { callFields, callJson } from '../http/call-json.ts'
import { defineStepType } from './define-step-type.ts'

const charactersMax = 500_000

const Message = z
  .object({
    role: z.enum(['system', 'developer', 'user', 'assistant']).describe('Who says it.'),
    content: z.string().max(charactersMax).describe('What is said.'),
  })
  .strict()

const Tokens = z.number().int().nonnegative()

/** What of a chat completion is used; servers add fields of their own. */
const Completion = z.object({
  model: z.string().max(1_000).optional(),
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish() }),
        finish_reason: z.string().max(100).nullish(),
      }),
    )
    .min(1),
  usage: z
    .object({ prompt_tokens: Tokens, completion_tokens: Tokens.default(0), total_tokens: Tokens })
    .nullish(),
})

export const llmCall = defineStepType({
  type: 'llm.call',
  title: 'Ask a language model',
  description:
    "Sends messages to a language model whose API is in the style of OpenAI (chat completions) and answers its text. With a connector of kind llm, base_url is the connector's, and model and limits where the step says none.",
  risk: 'low',
  credentials: httpCredentialTypes,
  takesClientCertificate: true,
  takesVia: true,
  input: z
    .object({
      base_url: TargetUrl.describe('/chat/completions is put behind its path, which usually ends in /v1.'),
      model: z.string().min(1).max(200).describe('As the server calls it.'),
      messages: z.array(Message).min(1).max(200).describe('The conversation so far.'),
      max_tokens: z.number().int().min(1).max(1_000_000).optional().describe('Of the answer.'),
      temperature: z.number().min(0).max(2).optional().describe('0: the most likely words.'),
      ...callFields,
    })
    .strict(),
  output: z.object({
    text: z.string().describe('What the model said; empty where it said nothing.'),
    finish_reason: z
      .string()
      .nullable()
      .describe('Why it ended: stop, or length where max_tokens cut it off.'),
    model: z.string().nullable().describe('The model that answered, as the server calls it.'),
    usage: z
      .object({
        prompt_tokens: z.number().int().describe('Of the messages.'),
        completion_tokens: z.number().int().describe('Of the answer.'),
        total_tokens: z.number().int().describe('Both.'),
      })
      .nullable()
      .describe('What was counted, where the server says it.'),
  }),
  urlFields: ['base_url'],
  // A question changes nothing at the model, so that one that failed may be asked again.
  retryable: true,
  timeoutSeconds: 120,
  examples: [
    {
      title: 'Sum up a log',
      credential: 'bearer_token',
      input: {
        base_url: 'https://llm.example.com/v1',
        model: 'small',
        messages: [
          { role: 'system', content: 'Sum up what went wrong in one sentence.' },
          { role: 'user', content: '{{ input.log }}' },
        ],
        max_tokens: 200,
        temperature: 0,
      },
    },
  ],
  async run({ base_url, model, messages, max_tokens, temperature, ...how }, tools) {
    const json = {
      ...{ model, messages, stream: false },
      ...(max_tokens === undefined ? {} : { max_tokens }),
      ...(temperature === undefined ? {} : { temperature }),
    }
    const { answer } = await callJson(how, { method: 'POST', url: completionsAt(base_url), json }, tools)
    const parsed = Completion.safeParse(answer)
    if (!parsed.success) throw new AppError('step_failed', 'The target did not answer a chat completion.')
    const [first] = parsed.data.choices
    return {
      text: first?.message.content ?? '',
      finish_reason: first?.finish_reason ?? null,
      model: parsed.data.model ?? null,
      usage: parsed.data.usage ?? null,
    }
  },
})

function completionsAt(base: string): string {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  return url.href
}
