import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { adminEmail } from '../local/services.ts'
import type { Stack } from '../local/stack.ts'
import { setUpDemoDatabase } from './demo-database.ts'
import { demoJob } from './demo-job.ts'
import { eventually, type GatewayApi, signIn } from './gateway-api.ts'

export interface Demo {
  projectId: string
  apiKey: string
  publicUrl: string
  body: { service: string }
}

interface Named {
  id: string
  name: string
}
interface Page<Item> {
  items: Item[]
}
interface Interface extends Named {
  public_interface: { id: string; state: string; url: string; last_error: string | null } | null
}

/** The item of that name in a list, made where there is none. */
async function ensureNamed<Item extends Named>(
  api: GatewayApi,
  path: string,
  name: string,
  make: () => unknown,
  listPath = `${path}?limit=200`,
): Promise<Item> {
  const { items } = await api.get<Page<Item>>(listPath)
  return items.find((item) => item.name === name) ?? api.send<Item>('POST', path, make())
}

/** Makes the demo project through the public API, as a person would; what is there from an earlier start is kept. */
export async function setUpDemo(stack: Stack, say: (part: string, line: string) => void): Promise<Demo> {
  const { backing, keys, layout } = stack
  const statusUrl = `http://127.0.0.1:${layout.ports.demoStatus}`
  const [admin, dsn] = await Promise.all([
    signIn(backing.kongProxyUrl, adminEmail, keys.adminPassword),
    setUpDemoDatabase(backing.databaseUrl, keys.demo.databasePassword),
  ])
  const project = await ensureNamed<Named>(admin, '/api/projects', 'Demo', () => ({ name: 'Demo' }))
  const api = admin.inProject(project.id)
  const databasePort = Number(new URL(dsn).port || 5432)
  await Promise.all([
    api.send('PUT', '/api/outbound-policy', {
      allow: [{ cidr: '127.0.0.1/32', ports: [layout.ports.demoStatus, databasePort] }],
    }),
    ensureNamed(api, '/api/credentials', 'demo-status', () => ({
      name: 'demo-status',
      type: 'http_basic',
      secret: { password: keys.demo.statusPassword },
      extra: { username: 'opsconductor' },
    })),
    ensureNamed(api, '/api/credentials', 'demo-catalogue', () => ({
      name: 'demo-catalogue',
      type: 'db_dsn',
      secret: { dsn },
    })),
  ])
  const published = await publishDemoJob(api, statusUrl)
  const apiKey = await ensureApiKey(api, join(layout.keys, 'demo-api-key'))
  say('demo', `published ${published.url}`)
  return { projectId: project.id, apiKey, publicUrl: published.url, body: { service: 'executor' } }
}

async function publishDemoJob(api: GatewayApi, statusUrl: string): Promise<{ url: string }> {
  const definition = demoJob(statusUrl)
  const job = await ensureNamed<Named>(api, '/api/jobs', definition.name, () => definition)
  const workflow = await ensureNamed<Named>(api, '/api/workflows', definition.name, () => ({
    name: definition.name,
    job_id: job.id,
  }))
  const made = await ensureNamed<Interface>(
    api,
    `/api/workflows/${workflow.id}/interfaces`,
    'report',
    () => ({
      name: 'report',
      display_name: 'Service report',
      interface_type: 'update',
      callable_name: 'run',
      is_public: true,
      http_method: 'POST',
      http_path: '/report',
      rate_limit_per_minute: 6000,
    }),
    `/api/interfaces?workflow_id=${workflow.id}`,
  )
  return eventually(
    'publishing the demo job',
    async () => {
      const { public_interface: face } = await api.get<Interface>(`/api/interfaces/${made.id}`)
      return face?.state === 'published' ? face : undefined
    },
    30_000,
  )
}

/** The key is shown once, so it is kept beside the stack's other keys. */
async function ensureApiKey(api: GatewayApi, file: string): Promise<string> {
  const { items } = await api.get<Page<Named & { is_active: boolean }>>('/api/keys?limit=200')
  const existing = items.find(({ name, is_active }) => name === 'demo' && is_active)
  if (existing !== undefined && existsSync(file)) return readFileSync(file, 'utf8').trim()
  const created =
    existing === undefined
      ? await api.send<{ key: string }>('POST', '/api/keys', { name: 'demo' })
      : await api.send<{ key: string }>('POST', `/api/keys/${existing.id}/regenerate`)
  writeFileSync(file, `${created.key}\n`, { mode: 0o600 })
  return created.key
}

/** Calls the published demo job as a client program would. */
export async function callDemo({ publicUrl, apiKey, body }: Demo): Promise<unknown> {
  const answer = await fetch(publicUrl, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  })
  const text = await answer.text()
  if (answer.status !== 200)
    throw new Error(`the demo call answered ${answer.status}: ${text.slice(0, 1000)}`)
  return JSON.parse(text)
}
