import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { createCheckGrants } from './check-grants.ts'

const asked = { projectId: randomUUID(), credentialId: randomUUID() }
const grant = { ...asked, askedBy: 'user:ada' }

function start() {
  const clock = { now: 1_000_000 }
  return { clock, grants: createCheckGrants(() => clock.now) }
}

test('a grant is used once, however its id is written', () => {
  const { grants } = start()
  const { checkId } = grants.open(grant)
  expect(grants.take(checkId.toUpperCase(), asked)).toBe(true)
  expect(grants.take(checkId, asked)).toBe(false)
})

test('a grant lives for half a minute', () => {
  const { grants, clock } = start()
  const [kept, late] = [grants.open(grant), grants.open(grant)]
  clock.now += 29_999
  expect(grants.take(kept.checkId, asked)).toBe(true)
  clock.now += 1
  expect(grants.take(late.checkId, asked)).toBe(false)
})

test.each([{ projectId: randomUUID() }, { credentialId: randomUUID() }])(
  'a grant is of one credential of one project, and a try for another uses it up: %j',
  (other) => {
    const { grants } = start()
    const { checkId } = grants.open(grant)
    expect(grants.take(checkId, { ...asked, ...other })).toBe(false)
    expect(grants.take(checkId, asked)).toBe(false)
  },
)

test('a closed grant is gone', () => {
  const { grants } = start()
  const { checkId, close } = grants.open(grant)
  close()
  expect(grants.take(checkId, asked)).toBe(false)
})

test('the reason of a check names who asked; of one that nobody granted, nobody', () => {
  const { grants } = start()
  const { checkId } = grants.open(grant)
  expect(grants.reasonOf(checkId)).toBe('credential check asked for by user:ada')
  expect(grants.reasonOf(randomUUID())).toBe('credential check')
})
