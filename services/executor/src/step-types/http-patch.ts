import { httpStepType } from '../http/http-step-type.ts'

export const httpPatch = httpStepType({
  method: 'PATCH',
  description:
    'Changes a part of something over HTTP. It is done once, unless the step says otherwise; all attempts carry the same Idempotency-Key.',
  risk: 'medium',
  examples: [
    {
      title: 'Close a ticket',
      input: {
        url: 'https://tickets.example.com/api/tickets/{{ input.ticket }}',
        json: { state: 'closed' },
        content_type: 'application/merge-patch+json',
      },
    },
  ],
})
