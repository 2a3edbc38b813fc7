import { type Answer, type Harness, send } from './harness.ts'

type Project = Awaited<ReturnType<Harness['createProject']>>

/** POST to a management route of the registry as the project's owner. */
export const post = (harness: Harness, project: Project, path: string, body: unknown): Promise<Answer> =>
  send(harness.publicUrl + path, { method: 'POST', headers: project.asOwner, body })

export const patch = (harness: Harness, project: Project, path: string, body: unknown): Promise<Answer> =>
  send(harness.publicUrl + path, { method: 'PATCH', headers: project.asOwner, body })

export const get = (harness: Harness, project: Project, path: string): Promise<Answer> =>
  send(harness.publicUrl + path, { headers: project.asOwner })

export const remove = (harness: Harness, project: Project, path: string): Promise<Answer> =>
  send(harness.publicUrl + path, { method: 'DELETE', headers: project.asOwner })

export async function jobWorkflow(
  harness: Harness,
  project: Project,
  inputSchema: Record<string, never> | object = { type: 'object' },
): Promise<string> {
  const job = harness.createJob(project.projectId, { input_schema: inputSchema as never })
  const { status, body } = await post(harness, project, '/api/workflows', { job_id: job.job_id })
  if (status !== 201) throw new Error(`the workflow was not created: ${status} ${body.detail}`)
  return body.id
}

export async function publishRun(
  harness: Harness,
  project: Project,
  workflowId: string,
  more: Record<string, unknown> = {},
): Promise<Answer['body']> {
  const { status, body } = await post(harness, project, `/api/workflows/${workflowId}/interfaces`, {
    name: 'run',
    interface_type: 'update',
    callable_name: 'run',
    is_public: true,
    ...more,
  })
  if (status !== 201) throw new Error(`the interface was not created: ${status} ${body.detail}`)
  return body
}
