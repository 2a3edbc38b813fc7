import { expect, test } from '@jest/globals'
import type { AppError } from '@opsconductor/errors'
import { applyConnector, type ConnectedStep } from './apply-connector.ts'
import type { UsableConnector } from './usable-connector.ts'

const api: UsableConnector = {
  id: '7a0c5a6e-0000-4000-8000-000000000001',
  version: '1',
  project_id: '7a0c5a6e-0000-4000-8000-000000000002',
  name: 'shop',
  kind: 'http_api',
  settings: { base_url: 'https://shop.example.com/v1' },
  has_credential: true,
  isShared: false,
}
const server: UsableConnector = { ...api, kind: 'ssh_host', settings: { host: 'web-01.example.com' } }
const exec = (input: object): ConnectedStep => ({ type: 'ssh.exec', input: { command: 'ls', ...input } })
const get = (input: unknown, via?: string[]): ConnectedStep => ({ type: 'http.get', input, via })

function faultOf(connector: UsableConnector, step: ConnectedStep): string | undefined {
  try {
    applyConnector(connector, step)
    return undefined
  } catch (error) {
    return (error as AppError).errors?.[0]?.path
  }
}

test('what the connector says is put into the input, whose own fields stay', () => {
  const input = applyConnector(api, get({ url: '/orders', query: { page: 2 } }))
  expect(input).toEqual({ url: 'https://shop.example.com/v1/orders', query: { page: 2 } })
})

test('a fault names what of the step is wrong', () => {
  expect(faultOf(api, { type: 'sql.query', input: {} })).toBe('connector')
  expect(faultOf({ ...api, kind: 'mainframe' as never }, get({}))).toBe('connector')
  expect(faultOf({ ...api, settings: { base_url: 7 } }, get({}))).toBe('connector')
  expect(faultOf(api, get({ url: '../x' }))).toBe('input.url')
})

test.each<[string, ConnectedStep]>([
  ['via', get({ url: '/' }, ['bastion'])],
  ['input.proxy', get({ url: '/', proxy: 'http://proxy.example.com' })],
  ['input.tls.verify', get({ url: '/', tls: { verify: false } })],
  ['input.tls.verify', get({ url: '/', tls: { verify: '{{ input.verify }}' } })],
  ['input.sudo', exec({ sudo: true })],
  ['input.sudo', exec({ sudo: { user: 'web' } })],
  ['input.sudo', exec({ sudo: '{{ input.sudo }}' })],
])('%s is for a connector of the project itself, not for one that it was given', (path, step) => {
  const connector = step.type === 'ssh.exec' ? server : api
  expect(faultOf({ ...connector, isShared: true }, step)).toBe(path)
  expect(faultOf(connector, step)).toBeUndefined()
})
