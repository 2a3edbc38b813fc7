import { type Call, must } from './client.ts'
import { waitFor } from './platform.ts'

export interface Published {
  jobId: string
  workflowId: string
  interfaceId: string
  publicInterfaceId: string
  hash: string
  url: string
}

interface ServiceInterface {
  id: string
  public_interface: { id: string; hash: string; url: string; state: string }
}

/** Creates a job in the caller's project and publishes its `run` at POST /run; resolves when the gateway serves it. */
export async function publishJob(
  api: Call,
  job: { name: string } & Record<string, unknown>,
  face: Record<string, unknown> = {},
): Promise<Published> {
  const created = await must(api<{ id: string }>('POST', '/api/jobs', { body: job }))
  const workflow = await must(
    api<{ id: string }>('POST', '/api/workflows', { body: { name: job.name, job_id: created.id } }),
  )
  const body = {
    name: 'run',
    interface_type: 'update',
    callable_name: 'run',
    is_public: true,
    http_method: 'POST',
    http_path: '/run',
    ...face,
  }
  const made = await must(api<ServiceInterface>('POST', `/api/workflows/${workflow.id}/interfaces`, { body }))
  const read = () => must(api<ServiceInterface>('GET', `/api/interfaces/${made.id}`))
  await waitFor(
    'the interface to be published',
    20_000,
    async () => (await read()).public_interface.state === 'published',
  )
  const { id, hash, url } = (await read()).public_interface
  return {
    jobId: created.id,
    workflowId: workflow.id,
    interfaceId: made.id,
    publicInterfaceId: id,
    hash,
    url,
  }
}

/** A new project with the administrator as its owner, and an API key for its interfaces. */
export async function createProject(api: Call, name: string): Promise<string> {
  return (await must(api<{ id: string }>('POST', '/api/projects', { body: { name } }))).id
}

export async function createKey(
  api: Call,
  name: string,
  options: Record<string, unknown> = {},
): Promise<{ id: string; key: string }> {
  return must(api<{ id: string; key: string }>('POST', '/api/keys', { body: { name, ...options } }))
}
