import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { jwksEndpoint, listMembershipsEndpoint, verifyKeyEndpoint } from '@opsconductor/contracts'
import { createInternalClient, type InternalClient } from '@opsconductor/service-kit'
import { type ApiKeyPeer, startApiKeyPeer } from './api-key-peer.ts'
import { testInternalKey } from './serve-peer.ts'

let peer: ApiKeyPeer
let client: InternalClient

beforeAll(async () => {
  peer = await startApiKeyPeer()
  client = createInternalClient({ urls: { 'api-key': peer.url }, key: testInternalKey })
})
afterAll(async () => {
  await client.close()
  await peer.close()
})

test('the peer answers the contract for a key it made, a revoked one and an unknown one', async () => {
  const projectId = randomUUID()
  const key = peer.createKey({ projectId, scopes: ['manage:jobs'] })
  const valid = await client.call(verifyKeyEndpoint, { key })
  expect(valid).toMatchObject({ valid: true, project_id: projectId, scopes: ['manage:jobs'] })
  peer.revokeKey(key)
  expect(await client.call(verifyKeyEndpoint, { key })).toEqual({ valid: false, code: 'revoked_api_key' })
  expect(peer.verificationsOf(key)).toBe(2)
  const unknown = await client.call(verifyKeyEndpoint, { key: 'oc_live_x' })
  expect(unknown).toEqual({ valid: false, code: 'unknown_api_key' })
})

test('the peer answers memberships, and only to the internal key', async () => {
  const projectId = randomUUID()
  const { userId } = await peer.createUser({ role: 'admin', projectId })
  expect(await client.call(listMembershipsEndpoint, { user_id: userId })).toEqual({
    is_platform_admin: false,
    items: [{ project_id: projectId, role: 'admin' }],
  })
  const answer = await fetch(`${peer.url}${jwksEndpoint.path}`, { headers: { 'x-internal-key': 'wrong' } })
  expect(answer.status).toBe(403)
})
