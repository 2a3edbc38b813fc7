import { Json, TargetUrl } from '@opsconductor/contracts'
import { z } from 'zod'
import { httpCredentialTypes } from '../http/auth/authenticate.ts'
import { callFields, callJson } from '../http/call-json.ts'
import { defineStepType } from './define-step-type.ts'

export const agentCall = defineStepType({
  type: 'agent.call',
  title: 'Call an agent',
  description:
    "Posts { input } as JSON to a program elsewhere and answers the JSON that it answers. With a connector of kind external_agent, url is the connector's.",
  risk: 'high',
  credentials: httpCredentialTypes,
  takesClientCertificate: true,
  takesVia: true,
  input: z
    .object({
      url: TargetUrl.describe('Where the agent listens.'),
      input: Json.default({}).describe('What it is given.'),
      ...callFields,
    })
    .strict(),
  output: z.object({
    status: z.number().int().describe('The status of the answer.'),
    output: Json.describe('What it answered; null where that is nothing.'),
  }),
  urlFields: ['url'],
  // Nobody knows what an agent does; all attempts carry the same Idempotency-Key.
  retryable: false,
  timeoutSeconds: 300,
  examples: [
    {
      title: 'Let an agent look at a ticket',
      credential: 'bearer_token',
      input: {
        url: 'https://agents.example.com/triage',
        input: { ticket: '{{ input.ticket }}', urgent: false },
      },
    },
  ],
  async run({ url, input, ...how }, tools) {
    const { status, answer } = await callJson(how, { method: 'POST', url, json: { input } }, tools)
    return { status, output: answer }
  },
})
