import { z } from 'zod'
import { Id, Json } from './fields.ts'
import { JobDefinition } from './job-definition.ts'

// What a job's author asks before a job is saved or run: is it right, and what would its steps be given?

export const JobFault = z.object({ path: z.string(), message: z.string() })

/** Answer of `POST /api/jobs/validate`, whose body is what `POST /api/jobs` takes: every mistake that saving would refuse. */
export const JobValidation = z.object({ valid: z.boolean(), errors: z.array(JobFault) })
export type JobValidation = z.infer<typeof JobValidation>

/** What `POST /api/jobs/dry-run` takes: a definition that need not be saved, or a saved job. */
export const DryRunJob = z
  .object({
    definition: JobDefinition.optional(),
    job_id: Id.optional(),
    /** Of the saved job; the latest where it is left out. */
    version: z.number().int().min(1).optional(),
    input: Json.default({}),
    /** What steps are taken to have answered, by their ids. */
    step_results: z.record(z.string().max(64), Json).default({}),
  })
  .strict()
  .refine(({ definition, job_id }) => (definition === undefined) !== (job_id === undefined), {
    path: ['definition'],
    message: 'give either definition or job_id',
  })
  .refine(({ job_id, version }) => version === undefined || job_id !== undefined, {
    path: ['version'],
    message: 'goes with job_id only',
  })
export type DryRunJob = z.infer<typeof DryRunJob>

/** A value with its templates rendered, but for texts that need one of `unknown`: they stand as they are written. */
const Rendered = z.object({
  value: Json,
  /** As in `steps.fetch.body.id`: only a run will tell. */
  unknown: z.array(z.string()),
})

export const DryRunStep = z.object({
  /** Where it stands, as `steps[2]` or, in a loop, `steps[2].steps[0]`: there at the first item, if that is known. */
  path: z.string(),
  id: z.string(),
  type: z.string(),
  /** False where its `if` does not hold; null where only a run will tell. */
  runs: z.boolean().nullable(),
  /** Null where the step does not run, or could not be rendered: `errors` of the answer says why. */
  input: Rendered.nullable(),
  credential: z.string().nullable(),
  client_certificate: z.string().nullable(),
  connector: z.string().nullable(),
  via: z.array(z.string()),
  /** Null where there is no such step type. */
  timeout_seconds: z.number().int().nullable(),
  max_attempts: z.number().int().nullable(),
})

export const DryRun = z.object({
  /** No mistake was found; a run may still meet one where something is unknown. */
  ok: z.boolean(),
  errors: z.array(JobFault),
  steps: z.array(DryRunStep),
  /** Null where the output is the last step's result, or could not be rendered. */
  output: Rendered.nullable(),
})
export type DryRun = z.infer<typeof DryRun>
