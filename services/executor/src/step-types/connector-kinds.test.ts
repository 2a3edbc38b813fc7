import { expect, test } from '@jest/globals'
import { connectorKindDefinitions } from '@opsconductor/connector-kinds'
import type { ConnectorKind } from '@opsconductor/contracts'
import { stepTypes } from './index.ts'

const headers = { 'x-team': 'ops' }
const settingsOf: Record<ConnectorKind, Record<string, unknown>> = {
  http_api: { base_url: 'https://a.example/api', headers },
  datasource: { base_url: 'https://a.example/data', headers },
  external_agent: { url: 'https://a.example/agent', headers },
  tool: { url: 'https://a.example/tool', method: 'PUT', headers, input_schema: { type: 'object' } },
  llm: { base_url: 'https://a.example/v1', model: 'm', max_tokens: 9, temperature: 1, headers },
  database: {},
  ssh_host: { host: 'a.example' },
  snmp_device: { host: 'a.example' },
}

/** What of a step's input its connector says. */
const saidByConnector = new Set(['url', 'base_url', 'host', 'port', 'method', 'input_schema'])

const pairs = [...connectorKindDefinitions.values()].flatMap((kind) =>
  kind.stepTypes.map((type) => [kind.kind, type] as const),
)

test.each(pairs)('%s gives %s an input and a credential that it takes', (name, type) => {
  const kind = connectorKindDefinitions.get(name)
  const stepType = stepTypes.get(type)
  if (kind === undefined || stepType === undefined) throw new Error(`there is no ${name} or no ${type}`)
  expect(stepType.credentials).toEqual(expect.arrayContaining([...kind.credentials]))
  const settings = kind.settings.parse(settingsOf[name]) as never
  for (const { input } of stepType.examples) {
    const own = Object.fromEntries(Object.entries(input).filter(([field]) => !saidByConnector.has(field)))
    const applied = kind.apply(settings, own, type)
    expect(stepType.input.safeParse(applied).error?.issues).toBeUndefined()
    expect(Object.keys(applied)).toEqual(expect.arrayContaining(Object.keys(own)))
  }
})
