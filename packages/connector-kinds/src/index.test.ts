import { expect, test } from '@jest/globals'
import { connectorKinds } from '@opsconductor/contracts'
import { connectorKindDefinitions } from './index.ts'

test('there is one of each kind', () => {
  expect([...connectorKindDefinitions.keys()].sort()).toEqual([...connectorKinds].sort())
})
