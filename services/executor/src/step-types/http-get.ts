import { httpStepType } from '../http/http-step-type.ts'

export const httpGet = httpStepType({
  method: 'GET',
  description: 'Reads something over HTTP.',
  risk: 'low',
  examples: [
    {
      title: 'Read one order',
      input: { url: 'https://shop.example.com/orders/{{ input.order_id }}', query: { expand: 'lines' } },
    },
    {
      title: 'Ask whether something exists',
      input: { url: 'https://shop.example.com/orders/{{ input.order_id }}', expect_status: [200, 404] },
    },
    {
      title: 'Go on only when a deployment is done, and keep its version',
      input: {
        url: 'https://deploy.example.com/api/deployments/{{ input.id }}',
        expect: [{ path: '$.state', equals: 'done' }],
        extract: { version: '$.artifact.version' },
        retry: { max_attempts: 5 },
      },
      credential: 'oauth2_client',
    },
    {
      title: 'Save a report',
      input: { url: 'https://reports.example.com/latest.pdf', save_as: 'report.pdf', redirects_max: 3 },
    },
  ],
})
