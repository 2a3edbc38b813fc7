import { randomUUID } from 'node:crypto'
import type { CheckResult, ConnectorKind } from '@opsconductor/contracts'
import type { CheckRequest } from '../executor-peer.ts'
import { type Answer, eventually, type Harness, send } from '../harness.ts'
import { get, post } from '../setups.ts'

export type Project = Awaited<ReturnType<Harness['createProject']>>

export const well: CheckResult = { ok: true, latency_ms: 7 }
export const refused: CheckResult = {
  ok: false,
  latency_ms: 9,
  code: 'credential_refused',
  message: 'The target refused the credential: it answered 401.',
}

const settingsOf: Partial<Record<ConnectorKind, object>> = {
  http_api: { base_url: 'https://api.example.com' },
  datasource: { base_url: 'https://data.example.com/v2' },
  external_agent: { url: 'https://agent.example.com/run' },
  tool: { url: 'https://tools.example.com/add' },
  llm: { base_url: 'https://llm.example.com/v1', model: 'm' },
}

/** A connector that nothing opens; never checked by itself unless `more` says so. */
export async function createConnector(
  harness: Harness,
  project: Project,
  more: { kind?: ConnectorKind } & Record<string, unknown> = {},
): Promise<string> {
  const { kind = 'llm' } = more
  const { status, body } = await post(harness, project, '/api/connectors', {
    name: `c${randomUUID().replaceAll('-', '')}`,
    settings: settingsOf[kind],
    check_every_seconds: null,
    ...more,
    kind,
  })
  if (status !== 201) throw new Error(`the connector was not created: ${status} ${JSON.stringify(body)}`)
  return body.id
}

/** Makes checks find what is said of a connector, and keeps what was asked. */
export function answerChecks(harness: Harness) {
  const asked: CheckRequest[] = []
  const answers = new Map<string, (request: CheckRequest) => Promise<CheckResult>>()
  harness.executor.onCheck(async (request) => {
    asked.push(request)
    return answers.get(request.connector?.id ?? '')?.(request) ?? well
  })
  return {
    askedOf: (id: string) => asked.filter(({ connector }) => connector?.id === id),
    answer: (id: string, answer: (request: CheckRequest) => Promise<CheckResult>) => answers.set(id, answer),
    find: (id: string, result: CheckResult) => answers.set(id, async () => result),
    /** Checks of the connector wait until `release` is called. */
    hold(id: string, result: CheckResult = well) {
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      answers.set(id, async () => {
        await released
        return result
      })
      return release
    },
  }
}
export type Checks = ReturnType<typeof answerChecks>

/** As if the connector's time had come. */
export async function makeDue(harness: Harness, id: string): Promise<void> {
  await harness.owner.query(
    'UPDATE interface_registry.connector_states SET next_check_at = now() WHERE connector_id = $1',
    [id],
  )
  harness.deps.monitor.look()
}

export async function connectivityOf(harness: Harness, project: Project, id: string) {
  const { body } = await get(harness, project, '/api/monitoring/connectivity?limit=200')
  return body.items.find((item) => item.id === id)?.connectivity
}

type Wanted = Partial<NonNullable<Answer['body']['connectivity']>>

/** The connectivity of the connector once it is as wanted. */
export const connectivityOnce = (harness: Harness, project: Project, id: string, wanted: Wanted) =>
  eventually(async () => {
    const found = await connectivityOf(harness, project, id)
    const isWanted = Object.entries(wanted).every(([name, value]) => found?.[name as keyof Wanted] === value)
    return isWanted ? found : undefined
  })

export const metricsOf = async (harness: Harness): Promise<string> =>
  String((await send(`${harness.internalUrl}/metrics`)).body)
