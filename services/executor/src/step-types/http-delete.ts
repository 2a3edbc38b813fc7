import { httpStepType } from '../http/http-step-type.ts'

export const httpDelete = httpStepType({
  method: 'DELETE',
  description:
    'Deletes something over HTTP. It is tried again when it fails: where an earlier attempt may have done it, expect 404 too.',
  risk: 'high',
  examples: [
    {
      title: 'Delete a session, also one that is gone',
      input: {
        url: 'https://shop.example.com/sessions/{{ input.session }}',
        expect_status: [200, 202, 204, 404],
      },
    },
  ],
})
