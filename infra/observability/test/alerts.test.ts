import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  lookupHostCredentialEndpoint,
  lookupHostCredentialsEndpoint,
  openEndpoint,
  useCredentialEndpoint,
} from '@opsconductor/contracts'
import { promtoolIsMissing, runPromtool } from '@opsconductor/test-peers'
import {
  consoleKey,
  executorKey,
  type RunningBroker,
  send,
  startBroker,
} from '../../../services/secrets-broker/test/running-broker.ts'
import { namesIn } from './expression-names.ts'
import { directory, panelFaults, panelsOf, type Rule, read, ruleFaults, rulesOf } from './rule-files.ts'

const rulesText = read('alerts/secrets.yml')

const rules = rulesOf('secrets')
const panels = panelsOf('secrets')
const dashboardExpressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
const expressions = [...rules.map(({ expr }) => expr), ...dashboardExpressions]

let broker: RunningBroker
let scratch: string
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'alerts-'))
  broker = await startBroker({ LOG_LEVEL: 'silent' })
})
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true })
  await broker.stop()
})

const promtoolTest = promtoolIsMissing() ? test.skip : test

promtoolTest('003.15 every alert fires when it should, and is quiet when it should not', () => {
  const { code, output } = runPromtool('test', 'rules', join(directory, 'alerts/secrets.test.yml'))
  expect(output).toMatch(/SUCCESS\s*$/)
  expect(code).toBe(0)
  const tested = read('alerts/secrets.test.yml')
  for (const { alert } of rules) expect(tested).toContain(`alertname="${alert}", `)
})

promtoolTest.each([
  ['> 0.1\n        for: 5m', '> 0.3\n        for: 5m'],
  ['sum by (instance) (increase(secrets_encryption_errors_total[10m])) > 0', 'vector(0) > 0'],
])('003.15 a rule that says %j as %j is found out by the tests of the alerts', (part, changed) => {
  expect(rulesText.split(part)).toHaveLength(2)
  cpSync(join(directory, 'alerts/secrets.test.yml'), join(scratch, 'secrets.test.yml'))
  writeFileSync(join(scratch, 'secrets.yml'), rulesText.replace(part, changed))
  const { code, output } = runPromtool('test', 'rules', join(scratch, 'secrets.test.yml'))
  expect(output).toMatch(/FAILED/)
  expect(code).toBe(1)
})

promtoolTest('the rules and every expression of the dashboard are valid', () => {
  expect(runPromtool('check', 'rules', join(directory, 'alerts/secrets.yml')).code).toBe(0)
  const file = join(scratch, 'dashboard.yml')
  const asRules = dashboardExpressions.map((expr, i) => ({ record: `dashboard_${i}`, expr }))
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }))
  const { code, output } = runPromtool('check', 'rules', file)
  expect(output).toContain(`SUCCESS: ${dashboardExpressions.length} rules found`)
  expect(code).toBe(0)
})

test('a running broker has every metric, with the labels, that the alerts and the dashboard ask for', async () => {
  const { registry } = broker.deps.metrics
  const { text } = await send(`${broker.internalUrl}/metrics`, { method: 'GET', headers: {} })
  for (const expr of expressions) {
    const { metrics, labels } = namesIn(expr)
    expect(metrics.length).toBeGreaterThan(0)
    const known = ['instance', 'job']
    for (const metric of metrics) {
      const name = metric.replace(/_bucket$/, '')
      const type = new RegExp(`^# TYPE ${name} (\\w+)$`, 'm').exec(text)?.[1]
      expect([name, type]).toEqual([name, expect.any(String)])
      if (metric !== name) expect([name, type]).toEqual([name, 'histogram'])
      if (type === 'histogram') known.push('le')
      // prom-client keeps them there and has no other way to ask.
      known.push(...(registry.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames)
    }
    for (const label of labels) expect(known).toContain(label)
  }
})

const sampleOf = async (series: string) => {
  const { text } = await send(`${broker.internalUrl}/metrics`, { method: 'GET', headers: {} })
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.split(' ')[1])
}

test('who reads is counted by service, from the first read on, and a service out of its place by its name', async () => {
  const reads = (by: string) => `secrets_credential_reads_by_service_total{accessed_by="${by}"}`
  const refused = (by: string) => `secrets_unexpected_service_requests_total{accessed_by="${by}"}`
  const before = await Promise.all(
    [reads('executor'), reads('operator'), reads('public-api'), refused('console')].map(sampleOf),
  )
  expect(before).toEqual([0, 0, 0, 0])
  const host = { host: 'web-01', purpose: 'ssh' }
  await broker.internal('POST', '/internal/secrets/credential-upsert', { ...host, password: 'counted-pass' })
  const lookup = (key?: string | null) =>
    broker.internal('POST', lookupHostCredentialEndpoint.path, host, key)
  const statuses = []
  for (const key of [executorKey, executorKey, undefined, consoleKey, null])
    statuses.push((await lookup(key)).status)
  expect(statuses).toEqual([200, 200, 200, 403, 403])
  const after = await Promise.all(
    [
      reads('executor'),
      reads('operator'),
      refused('console'),
      'secrets_unauthorized_requests_total',
      'secrets_credential_lookups_total',
    ].map(sampleOf),
  )
  expect(after).toEqual([2, 1, 1, 1, 3])
})

test('the services that SecretsUnexpectedService expects are those that the contract lets read secrets', () => {
  const { expr } = rules.find(({ alert }) => alert === 'SecretsUnexpectedService') as Rule
  const expected = /accessed_by!~"([^"]+)"/.exec(expr)?.[1]?.split('|')
  const readers = [
    lookupHostCredentialEndpoint,
    lookupHostCredentialsEndpoint,
    useCredentialEndpoint,
    openEndpoint,
  ].flatMap(({ callers }) => callers)
  // The broker itself synchronises vaults; people and the shared key have their own ways.
  expect(new Set(expected)).toEqual(new Set([...readers, 'secrets-broker', 'public-api', 'operator']))
})

test('every alert says what it means and leads to a section of the README that is there', () => {
  expect(ruleFaults(rules)).toEqual([])
})

test('the panels of the dashboard have an id each and do not lie on each other', () => {
  expect(panelFaults(panels)).toEqual([])
})
