import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testInternalKey } from '@opsconductor/test-peers'
import { publicRoutes } from '../src/app.ts'
import { type Harness, send, startHarness } from './harness.ts'
import { get, jobWorkflow, post, publishRun, remove } from './setups.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.stop())

test('a job becomes a workflow with its version pinned, its name made from the job, its namespace made', async () => {
  const project = await harness.createProject()
  const job = harness.createJob(project.projectId, { name: 'Restart Web 01' })
  const made = await post(harness, project, '/api/workflows', { job_id: job.job_id })
  expect(made).toMatchObject({
    status: 201,
    headers: { location: `/api/workflows/${made.body.id}` },
    body: {
      name: 'restart-web-01',
      kind: 'job',
      job_id: job.job_id,
      job_version: 1,
      workflow_type: 'runJob',
      task_queue: 'opsconductor-jobs',
      workflow_id: null,
      project_id: project.projectId,
    },
  })
  const namespace = `project-${project.projectId}`
  const found = await harness.deps.temporal.connection.workflowService.describeNamespace({ namespace })
  expect(found.namespaceInfo?.name).toBe(namespace)
  expect((await get(harness, project, `/api/workflows/${made.body.id}`)).body).toEqual(made.body)
})

test('a job that is not of the project, or a version that does not exist, is 422 naming job_id', async () => {
  const project = await harness.createProject()
  const other = await harness.createProject()
  const job = harness.createJob(other.projectId)
  const own = harness.createJob(project.projectId)
  for (const body of [{ job_id: job.job_id }, { job_id: randomUUID() }, { job_id: own.job_id, version: 7 }])
    expect(await post(harness, project, '/api/workflows', body)).toMatchObject({
      status: 422,
      body: { code: 'validation_failed', errors: [{ path: 'body.job_id' }] },
    })
})

test('a name is taken once in a project, and is free in another', async () => {
  const entity = { name: 'stock', workflow_type: 'counter', task_queue: 'q', workflow_id: 'stock-1' }
  const [project, other] = [await harness.createProject(), await harness.createProject()]
  expect((await post(harness, project, '/api/workflows', entity)).status).toBe(201)
  expect(await post(harness, project, '/api/workflows', entity)).toMatchObject({
    status: 409,
    body: { code: 'conflict', errors: [{ path: 'body.name' }] },
  })
  expect((await post(harness, other, '/api/workflows', entity)).status).toBe(201)
})

test("another project's workflow does not exist for the caller: read, extend and delete are 404", async () => {
  const [project, other] = [await harness.createProject(), await harness.createProject()]
  const id = await jobWorkflow(harness, project)
  expect((await get(harness, other, `/api/workflows/${id}`)).status).toBe(404)
  expect((await remove(harness, other, `/api/workflows/${id}`)).status).toBe(404)
  const added = { name: 'run', interface_type: 'update', callable_name: 'run' }
  expect((await post(harness, other, `/api/workflows/${id}/interfaces`, added)).status).toBe(404)
  expect((await get(harness, project, `/api/workflows/${id}`)).status).toBe(200)
})

test('lists come in pages, newest first, each thing once', async () => {
  const project = await harness.createProject()
  for (const name of ['a', 'b', 'c'])
    await post(harness, project, '/api/workflows', {
      name,
      workflow_type: 't',
      task_queue: 'q',
      workflow_id: name,
    })
  const first = await get(harness, project, '/api/workflows?limit=2')
  const second = await get(harness, project, `/api/workflows?limit=2&cursor=${first.body.next_cursor}`)
  expect([...first.body.items, ...second.body.items].map(({ name }) => name)).toEqual(['c', 'b', 'a'])
  expect(second.body.next_cursor).toBeNull()
})

test('deleting a workflow takes its interfaces and their Kong objects along', async () => {
  const project = await harness.createProject()
  const id = await jobWorkflow(harness, project)
  const { public_interface: face, id: interfaceId } = await publishRun(harness, project, id)
  expect((await remove(harness, project, `/api/workflows/${id}`)).status).toBe(204)
  expect((await get(harness, project, `/api/interfaces/${interfaceId}`)).status).toBe(404)
  expect((await send(`${harness.adminUrl}/services/oc-${face.id}`)).status).toBe(404)
  expect((await send(`${harness.adminUrl}/routes/oc-${face.id}-call`)).status).toBe(404)
})

test.each([
  ['NUL in a name of Temporal', { name: 'x', workflow_type: 'a\0b', task_queue: 'q', workflow_id: 'w' }],
  ['half a surrogate pair', '{"name":"x","workflow_type":"\\ud800","task_queue":"q","workflow_id":"w"}'],
  ['neither job nor workflow', { name: 'x' }],
  [
    'a name of a prototype',
    '{"__proto__":{},"name":"x","workflow_type":"t","task_queue":"q","workflow_id":"w"}',
  ],
  ['a job and a workflow at once', { job_id: randomUUID(), workflow_type: 't' }],
])('%s is 422', async (_, body) => {
  const project = await harness.createProject()
  expect(await post(harness, project, '/api/workflows', body)).toMatchObject({
    status: 422,
    body: { code: 'validation_failed' },
  })
})

test('deep JSON in a schema is 422, ids and cursors that are none are 404 and 400', async () => {
  const project = await harness.createProject()
  const deep = `{"name":"x","interface_type":"update","callable_name":"run","input_schema":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`
  const id = await jobWorkflow(harness, project)
  expect((await post(harness, project, `/api/workflows/${id}/interfaces`, deep)).status).toBe(422)
  expect((await get(harness, project, '/api/workflows/%00')).status).toBe(404)
  expect((await get(harness, project, '/api/workflows/%zz')).status).toBe(400)
  expect((await get(harness, project, '/api/workflows?cursor=%00')).status).toBe(400)
  expect((await get(harness, project, '/api/workflows?limit=1e9')).status).toBe(400)
})

test("the executor asks for a project's namespace and gets it, twice alike; without the internal key it is 403", async () => {
  const { projectId } = await harness.createProject()
  const url = `${harness.internalUrl}/internal/projects/${projectId}/namespace`
  const headers = { 'x-internal-key': testInternalKey }
  for (const _ of [1, 2])
    expect(await send(url, { method: 'PUT', headers, body: {} })).toMatchObject({
      status: 200,
      body: { namespace: `project-${projectId}` },
    })
  expect((await send(url, { method: 'PUT', body: {} })).status).toBe(403)
  expect((await send(url.replace(projectId, 'x'), { method: 'PUT', headers, body: {} })).status).toBe(404)
})

test('api-key asks which project a public interface belongs to; an unknown one is 404', async () => {
  const project = await harness.createProject()
  const { public_interface: face } = await publishRun(harness, project, await jobWorkflow(harness, project))
  const headers = { 'x-internal-key': testInternalKey }
  const url = `${harness.internalUrl}/internal/public-interfaces`
  expect(await send(`${url}/${face.id}`, { headers })).toMatchObject({
    status: 200,
    body: { id: face.id, project_id: project.projectId },
  })
  expect((await send(`${url}/${randomUUID()}`, { headers })).status).toBe(404)
})

test('001.25 the OpenAPI document of the public listener lists every management route', async () => {
  const { body } = await send(`${harness.publicUrl}/docs/openapi.json`)
  const paths = new Set(publicRoutes(harness.deps).map(({ path }) => path))
  expect(Object.keys((body as unknown as { paths: object }).paths).sort()).toEqual([...paths].sort())
})
