import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createLog, createMetrics } from '@opsconductor/service-kit'
import { promtoolIsMissing, runPromtool } from '@opsconductor/test-peers'
import { createEvents } from '../../../services/executor/src/events.ts'
import { namesIn } from './expression-names.ts'
import { directory, panelFaults, panelsOf, read, ruleFaults, rulesOf } from './rule-files.ts'

const rules = rulesOf('steps')
const panels = panelsOf('steps')
const dashboardExpressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
const rulesText = read('alerts/steps.yml')

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'step-alerts-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const promtoolTest = promtoolIsMissing() ? test.skip : test

promtoolTest('every alert on steps fires when it should, and is quiet when it should not', () => {
  const { code, output } = runPromtool('test', 'rules', join(directory, 'alerts/steps.test.yml'))
  expect([code, output]).toEqual([0, expect.stringMatching(/SUCCESS\s*$/)])
  for (const { alert } of rules) expect(read('alerts/steps.test.yml')).toContain(`alertname: ${alert}`)
})

promtoolTest.each([
  ['> 0.2', '> 0.3'],
  ['[10m])) > 20\n        for: 5m', '[10m])) > 0\n        for: 5m'],
  ['> 5\n          unless', '> 5\n          and'],
  ['> 3 * histogram_quantile', '> 0 * histogram_quantile'],
  ['absent(executor_workers)', 'vector(0) > 0'],
])('a rule that says %j as %j is found out by the tests of the alerts', (part, changed) => {
  expect(rulesText.split(part)).toHaveLength(2)
  writeFileSync(join(scratch, 'steps.test.yml'), read('alerts/steps.test.yml'))
  writeFileSync(join(scratch, 'steps.yml'), rulesText.replace(part, changed))
  const { code, output } = runPromtool('test', 'rules', join(scratch, 'steps.test.yml'))
  expect([code, output]).toEqual([1, expect.stringMatching(/FAILED/)])
})

promtoolTest('the rules and every expression of the dashboard are valid', () => {
  expect(runPromtool('check', 'rules', join(directory, 'alerts/steps.yml')).code).toBe(0)
  const file = join(scratch, 'dashboard.yml')
  const asRules = dashboardExpressions.map((expr, i) => ({ record: `dashboard_${i}`, expr }))
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }))
  expect(runPromtool('check', 'rules', file).code).toBe(0)
})

test('the executor has every metric, with the labels, that the alerts and the dashboard ask for', () => {
  const metrics = createMetrics()
  createEvents(createLog('executor', 'silent'), metrics)
  for (const expr of [...rules.map(({ expr }) => expr), ...dashboardExpressions]) {
    const names = namesIn(expr)
    const known = names.metrics.flatMap((name) => {
      const metric = metrics.registry.getSingleMetric(name.replace(/_bucket$/, ''))
      expect([name, metric]).toEqual([name, expect.anything()])
      // prom-client keeps them there and has no other way to ask.
      return (metric as unknown as { labelNames: string[] }).labelNames
    })
    expect(known.length + names.metrics.length).toBeGreaterThan(0)
    for (const label of names.labels) expect([...known, 'le']).toContain(label)
  }
})

test('the metrics of steps have the names that were asked for', () => {
  const metrics = createMetrics()
  createEvents(createLog('executor', 'silent'), metrics)
  expect(metrics.registry.getSingleMetric('step_duration_seconds')).toBeDefined()
  expect(metrics.registry.getSingleMetric('steps_total')).toBeDefined()
})

test('every alert on steps says what it means and leads to a section that is there', () => {
  expect(ruleFaults(rules)).toEqual([])
})

test('the panels of the dashboard have an id each and do not lie on each other', () => {
  expect(panelFaults(panels)).toEqual([])
})
