import { expect, test } from '@jest/globals'
import { connectorIdOf, fits, isOurs, planFor } from './plan.ts'

const installation = '6f1f6a86-2b7b-4f8a-8a5e-0b1f0f1d2c3b'
const connector = {
  id: '0d5c2b1a-9e8f-4c7d-b6a5-948372615049',
  targetProjectId: '11111111-2222-4333-8444-555555555555',
  taskQueue: null,
}
const planned = planFor(connector, installation)

test("an endpoint is ours by its name and this platform's mark, both", () => {
  expect(isOurs(planned, installation)).toBe(true)
  expect(connectorIdOf(planned)).toBe(connector.id)
  for (const other of [
    { ...planned, description: '' },
    { ...planned, description: planFor(connector, connector.id).description },
    { ...planned, description: `${planned.description} and more` },
    { ...planned, name: 'orders' },
    { ...planned, name: `${planned.name}-2` },
  ])
    expect(isOurs(other, installation)).toBe(false)
})

test('an endpoint fits only where everything is as planned', () => {
  expect(fits(planned, planFor(connector, installation))).toBe(true)
  expect(fits(undefined, planned)).toBe(false)
  for (const field of ['namespace', 'taskQueue', 'description'] as const)
    expect(fits({ ...planned, [field]: 'other' }, planned)).toBe(false)
})

test('calls go to the executor, unless a worker of the target project serves them', () => {
  expect(planned.taskQueue).toBe('opsconductor-jobs')
  expect(planFor({ ...connector, taskQueue: 'own' }, installation).taskQueue).toBe('own')
})

test('its name is one that Temporal takes', () => {
  expect(planned.name).toMatch(/^[a-zA-Z][a-zA-Z0-9-]{0,198}[a-zA-Z0-9]$/)
})
