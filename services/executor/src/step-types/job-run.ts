import { Json, RunJobRequest } from '@opsconductor/contracts'
import { z } from 'zod'
import { holdsTemplate } from '../templating/references.ts'
import { defineDurableStepType } from './define-step-type.ts'

export const jobRun = defineDurableStepType({
  type: 'job.run',
  title: 'Run another job',
  description:
    'Runs another job of the project as a run of its own and waits for its end. Cancelling reaches it. Runs nest at most 5 deep.',
  input: z
    .object({
      job: RunJobRequest.shape.job.describe('The job, by id or name; not a template.'),
      version: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe('Its version; the latest at the time where left out.'),
      input: Json.default({}).describe('Its input; held against its input schema.'),
    })
    .strict(),
  output: z.object({
    run_id: z.string().describe('The run; `GET /api/runs/{id}` shows its steps.'),
    output: Json.describe('What the job answered.'),
  }),
  timeoutSeconds: 24 * 3600,
  examples: [
    { title: 'Restart and check', input: { job: 'restart-service', input: { host: '{{ input.host }}' } } },
  ],
  check: ({ job }) => (holdsTemplate(job) ? [{ at: '.job', message: 'must not be a template' }] : []),
})
