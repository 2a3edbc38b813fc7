import { httpStepType } from '../http/http-step-type.ts'

export const httpPost = httpStepType({
  method: 'POST',
  description:
    'Sends something over HTTP. It is done once, unless the step says otherwise; all attempts carry the same Idempotency-Key.',
  risk: 'medium',
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
    {
      title: 'Send XML',
      input: {
        url: 'https://erp.example.com/orders',
        xml: { order: { '@id': '{{ input.order_id }}', line: ['{{ input.first }}', '{{ input.second }}'] } },
      },
    },
    {
      title: 'Upload a file with a form',
      input: {
        url: 'https://files.example.com/upload',
        multipart: [
          { name: 'folder', value: 'inbox' },
          { name: 'file', filename: 'note.txt', content_type: 'text/plain', text: '{{ input.note }}' },
        ],
      },
    },
    {
      title: 'Sign the request as its receiver asks for it',
      input: {
        url: 'https://hooks.example.com/deploy',
        json: { version: '{{ input.version }}' },
        hmac: {
          header: 'X-Signature',
          prefix: 'sha256=',
          signed: ['timestamp', 'body'],
          separator: '.',
          timestamp: { header: 'X-Timestamp' },
        },
      },
      credential: 'webhook_secret',
    },
  ],
})
