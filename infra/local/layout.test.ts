import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { loadKeys } from './keys.ts'
import { createLayout } from './layout.ts'

const home = mkdtempSync(join(tmpdir(), 'layout-'))
afterAll(() => rmSync(home, { recursive: true }))
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('the home can be walked through and its keys be read by nobody else', () => {
  const layout = createLayout({ OPSCONDUCTOR_HOME: home })
  loadKeys(layout.keys)
  expect([
    modeOf(layout.home),
    modeOf(layout.keys),
    modeOf(layout.logs),
    modeOf(join(layout.keys, 'internal-key')),
  ]).toEqual(['711', '700', '700', '600'])
})

test('keys are made once and kept', () => {
  const { keys } = createLayout({ OPSCONDUCTOR_HOME: home })
  const read = () => {
    const { rolePassword, internalKeyOf, ...rest } = loadKeys(keys)
    return { ...rest, role: rolePassword('svc_executor'), internal: internalKeyOf('executor') }
  }
  expect(read()).toEqual(read())
  expect(new Set(Object.values(read()).map(String)).size).toBe(Object.keys(read()).length)
})

test('the offset moves every port, and a wrong one is refused', () => {
  const ports = createLayout({ OPSCONDUCTOR_HOME: home, OPSCONDUCTOR_PORT_OFFSET: '100' }).ports
  expect([ports.gateway, ports.gatewayTls, ports.secretsBrokerInternal]).toEqual([8100, 8543, 3103])
  for (const wrong of ['-1', '1.5', 'x', '60000'])
    expect(() => createLayout({ OPSCONDUCTOR_HOME: home, OPSCONDUCTOR_PORT_OFFSET: wrong })).toThrow(
      'OPSCONDUCTOR_PORT_OFFSET',
    )
})
