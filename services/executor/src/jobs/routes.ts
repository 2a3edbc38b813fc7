import { callerLabel, projectOf } from '@opsconductor/auth'
import {
  CreateJob,
  DryRun,
  DryRunJob,
  getJobVersionEndpoint,
  IdParams,
  JobValidation,
  Job as JobWire,
  Json,
  PageQuery,
  pageOf,
  Run,
  StartRun,
} from '@opsconductor/contracts'
import { type AnyInternalRoute, type AnyRoute, internalRoute, route, toPage } from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { startRun } from '../runs/start-run.ts'
import { toRunWire } from '../runs/wire.ts'
import { dryRunJob } from './dry-run-job.ts'
import { getJob, getJobVersion } from './get-job.ts'
import { addJobVersion, createJob } from './save-job.ts'
import { validateJob } from './validate-job.ts'
import { toJobWire } from './wire.ts'

export const jobRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  route({
    method: 'post',
    path: '/api/jobs',
    summary: 'Create a job.',
    action: 'jobs.write',
    body: CreateJob,
    answers: { 201: JobWire },
    handle: async ({ caller, body }) => {
      const job = await createJob(deps, projectOf(caller), callerLabel(caller), body)
      return { status: 201, headers: { Location: `/api/jobs/${job.id}` }, body: toJobWire(job) }
    },
  }),
  route({
    method: 'get',
    path: '/api/jobs',
    summary: "The project's jobs, newest first.",
    action: 'jobs.read',
    query: PageQuery,
    answers: { 200: pageOf(JobWire) },
    handle: async ({ caller, query }) => {
      const rows = await deps.jobs.list(projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, toJobWire) }
    },
  }),
  route({
    method: 'get',
    path: '/api/jobs/{id}',
    summary: 'One job in its latest version.',
    action: 'jobs.read',
    params: IdParams,
    answers: { 200: JobWire },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: toJobWire(await getJob(deps, projectOf(caller), params.id)),
    }),
  }),
  route({
    method: 'put',
    path: '/api/jobs/{id}',
    summary: 'Give a job its next version.',
    action: 'jobs.write',
    params: IdParams,
    body: CreateJob,
    answers: { 200: JobWire },
    handle: async ({ caller, params, body }) => ({
      status: 200,
      body: toJobWire(await addJobVersion(deps, projectOf(caller), callerLabel(caller), params.id, body)),
    }),
  }),
  route({
    method: 'post',
    path: '/api/jobs/validate',
    summary: 'Every mistake for which a body would not be saved as a job. Nothing is saved.',
    action: 'jobs.write',
    body: Json,
    answers: { 200: JobValidation },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await validateJob(deps, projectOf(caller), body),
    }),
  }),
  route({
    method: 'post',
    path: '/api/jobs/dry-run',
    summary: 'What each step of a job would be given. Nothing is reached, and no credential is lent.',
    action: 'runs.write',
    body: DryRunJob,
    answers: { 200: DryRun },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await dryRunJob(deps, projectOf(caller), body),
    }),
  }),
  route({
    method: 'post',
    path: '/api/jobs/{id}/runs',
    summary:
      'Start a run. With an Idempotency-Key the same request starts one run, however often it is sent.',
    action: 'runs.write',
    params: IdParams,
    body: StartRun,
    answers: { 202: Run },
    handle: async ({ caller, params, body, header }) => {
      const run = await startRun(deps, caller, params.id, body, header('idempotency-key'))
      return { status: 202, headers: { Location: `/api/runs/${run.id}` }, body: toRunWire(run) }
    },
  }),
]

export const jobInternalRoutes = (deps: ExecutorDeps): AnyInternalRoute[] => [
  internalRoute(getJobVersionEndpoint, ({ params, request }) =>
    getJobVersion(deps, params.id ?? '', request),
  ),
]
