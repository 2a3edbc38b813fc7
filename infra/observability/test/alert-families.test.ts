import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createLog, createMetrics, type Logger, type Metrics } from '@opsconductor/service-kit'
import { promtoolIsMissing, runPromtool } from '@opsconductor/test-peers'
import { createEvents as createAgentEvents } from '../../../services/cert-agent/src/events.ts'
import { createEvents as createExecutorEvents } from '../../../services/executor/src/events.ts'
import { createEvents as createRegistryEvents } from '../../../services/interface-registry/src/events.ts'
import { namesIn } from './expression-names.ts'
import { directory, panelFaults, panelsOf, read, ruleFaults, rulesOf } from './rule-files.ts'

interface Family {
  name: string
  /** What makes the metrics of the service that the alerts are of. */
  createEvents(log: Logger, metrics: Metrics): unknown
  /** Parts of the rules, and what the tests of the alerts must find out in their place. */
  mistakes: [part: string, changed: string][]
}

const families: Family[] = [
  {
    name: 'steps',
    createEvents: createExecutorEvents,
    mistakes: [
      ['> 0.2', '> 0.3'],
      ['[10m])) > 20\n        for: 5m', '[10m])) > 0\n        for: 5m'],
      ['> 5\n          unless', '> 5\n          and'],
      ['> 3 * histogram_quantile', '> 0 * histogram_quantile'],
      ['absent(executor_workers)', 'vector(0) > 0'],
    ],
  },
  {
    name: 'connectors',
    createEvents: createRegistryEvents,
    mistakes: [
      ['for: 15m', 'for: 5m'],
      ['max by (kind) (connector_failing) > 0', 'sum by (kind) (connector_failing) > 0'],
      ['> 2\n          unless', '> 1\n          unless'],
      ['unless max by (kind) (connector_up) > 0', 'unless max by (kind) (connector_up) > 9'],
      ['            > sum(increase', '            > 9 * sum(increase'],
      ['absent(connector_up)', 'vector(0) > 0'],
    ],
  },
  {
    name: 'certificates',
    createEvents: createAgentEvents,
    mistakes: [
      ['(cert_not_after_seconds) - time() < 86400', '(cert_not_after_seconds) - time() < 259200'],
      ['max by (project, certificate)', 'min by (project, certificate)'],
      ['[1h])) > 10', '[1h])) > 3'],
      ['(cert_deployment_live) == 0\n        for: 1h', '(cert_deployment_live) == 0\n        for: 30m'],
      ['max(cert_vhosts{state="expired"})', 'sum(cert_vhosts{state="expired"})'],
      ['for: 3h', 'for: 1h'],
      ['            > sum(increase', '            > 9 * sum(increase'],
      ['outcome="given_up"', 'outcome="failed"'],
      ['absent(cert_vhosts)', 'vector(0) > 0'],
    ],
  },
]

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'alerts-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const promtoolTest = promtoolIsMissing() ? test.skip : test

describe.each(families)('$name', ({ name, createEvents, mistakes }) => {
  const rules = rulesOf(name)
  const panels = panelsOf(name)
  const dashboardExpressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  const rulesText = read(`alerts/${name}.yml`)
  const registry = () => {
    const metrics = createMetrics()
    createEvents(createLog(name, 'silent'), metrics)
    return metrics.registry
  }

  promtoolTest('every alert fires when it should, and is quiet when it should not', () => {
    const { code, output } = runPromtool('test', 'rules', join(directory, `alerts/${name}.test.yml`))
    expect([code, output]).toEqual([0, expect.stringMatching(/SUCCESS\s*$/)])
    for (const { alert } of rules) expect(read(`alerts/${name}.test.yml`)).toContain(`alertname: ${alert}`)
  })

  promtoolTest.each(mistakes)(
    'a rule that says %j as %j is found out by the tests of the alerts',
    (part, changed) => {
      expect(rulesText.split(part)).toHaveLength(2)
      writeFileSync(join(scratch, `${name}.test.yml`), read(`alerts/${name}.test.yml`))
      writeFileSync(join(scratch, `${name}.yml`), rulesText.replace(part, changed))
      const { code, output } = runPromtool('test', 'rules', join(scratch, `${name}.test.yml`))
      expect([code, output]).toEqual([1, expect.stringMatching(/FAILED/)])
    },
  )

  promtoolTest('the rules and every expression of the dashboard are valid', () => {
    expect(runPromtool('check', 'rules', join(directory, `alerts/${name}.yml`)).code).toBe(0)
    const file = join(scratch, 'dashboard.yml')
    const asRules = dashboardExpressions.map((expr, i) => ({ record: `dashboard_${i}`, expr }))
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }))
    expect(runPromtool('check', 'rules', file).code).toBe(0)
  })

  test('the service has every metric, with the labels, that the alerts and the dashboard ask for', () => {
    const known = registry()
    for (const expr of [...rules.map(({ expr }) => expr), ...dashboardExpressions]) {
      const names = namesIn(expr)
      const labels = names.metrics.flatMap((metricName) => {
        const metric = known.getSingleMetric(metricName.replace(/_bucket$/, ''))
        expect([metricName, metric]).toEqual([metricName, expect.anything()])
        // prom-client keeps them there and has no other way to ask.
        return (metric as unknown as { labelNames: string[] }).labelNames
      })
      expect(names.metrics.length).toBeGreaterThan(0)
      for (const label of names.labels) expect([...labels, 'le']).toContain(label)
    }
  })

  test('every alert says what it means and leads to a section that is there', () => {
    expect(ruleFaults(rules)).toEqual([])
  })

  test('the panels of the dashboard have an id each and do not lie on each other', () => {
    expect(panelFaults(panels)).toEqual([])
  })
})

test('the metrics of steps have the names that were asked for', () => {
  const metrics = createMetrics()
  createExecutorEvents(createLog('executor', 'silent'), metrics)
  expect(metrics.registry.getSingleMetric('step_duration_seconds')).toBeDefined()
  expect(metrics.registry.getSingleMetric('steps_total')).toBeDefined()
})
