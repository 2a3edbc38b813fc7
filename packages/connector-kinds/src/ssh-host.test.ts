import { expect, test } from '@jest/globals'
import { sshHost } from './ssh-host.ts'
import { faultsOf, tryKind } from './try-kind.fixture.ts'

test('a step runs on the host of the connector, and on no other host or port', () => {
  const { apply, check, fault } = tryKind(sshHost, { host: 'WEB-1.example.com' })
  expect(apply({ command: 'uptime' })).toEqual({ command: 'uptime', host: 'web-1.example.com', port: 22 })
  expect(check).toEqual({ kind: 'ssh', host: 'web-1.example.com', port: 22 })
  expect(fault({ command: 'uptime', host: 'web-2.example.com' })).toMatchObject({ path: 'input.host' })
  expect(fault({ command: 'uptime', port: 23 })).toMatchObject({ path: 'input.port' })
})

test.each([
  [{}, 'host'],
  [{ host: 'a b' }, 'host'],
  [{ host: 'web:22' }, 'host'],
  [{ host: 'web', port: 0 }, 'port'],
  [{ host: 'web', password: 'x' }, ''],
])('the settings %j are refused at %j', (given, path) => {
  expect(faultsOf(sshHost, given)).toEqual([path])
})
