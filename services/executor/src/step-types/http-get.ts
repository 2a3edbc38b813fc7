import { HttpStepInput, HttpStepOutput, httpCredentialTypes, runHttpStep } from '../http/http-step.ts'
import { defineStepType } from './define-step-type.ts'

export const httpGet = defineStepType({
  type: 'http.get',
  title: 'HTTP GET',
  risk: 'low',
  credentials: httpCredentialTypes,
  input: HttpStepInput.strict(),
  output: HttpStepOutput,
  urlFields: ['url'],
  retryable: true,
  timeoutSeconds: 30,
  examples: [
    {
      title: 'Read one order',
      input: { url: 'https://shop.example.com/orders/{{ input.order_id }}', query: { expand: 'lines' } },
    },
    {
      title: 'Ask whether something exists',
      input: { url: 'https://shop.example.com/orders/{{ input.order_id }}', expect_status: [200, 404] },
    },
  ],
  run: (input, tools) => runHttpStep('GET', input, tools),
})
