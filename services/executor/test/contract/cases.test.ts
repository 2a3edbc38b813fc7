import { expect, test } from '@jest/globals'
import { z } from 'zod'
import { defineStepType } from '../../src/step-types/define-step-type.ts'
import { casesOf, untried } from './cases.ts'
import type { Target } from './family.ts'
import { matrixTable } from './matrix.ts'

const stepType = defineStepType({
  type: 'a.b',
  title: 'A',
  description: 'Does a thing.',
  risk: 'low',
  credentials: ['one', 'two'],
  input: z.object({ n: z.number() }),
  output: z.object({}),
  retryable: true,
  timeoutSeconds: 1,
  examples: [
    { title: 'first', input: { n: 1 } },
    { title: 'second', input: { n: 2 }, credential: 'two' },
    { title: 'third', input: { n: 3 } },
  ],
  run: async () => ({}),
})
const target: Target = {
  name: 'peer',
  auths: [
    { name: 'none' },
    { name: 'one', credential: { type: 'one', secret: {} } },
    { name: 'two', credential: { type: 'two', secret: {} } },
    { name: 'other', credential: { type: 'other', secret: {} } },
    { name: 'certificate', clientCertificate: { type: 'x509', secret: {} } },
  ],
  place: (step) => step,
}

test('the first example is run with every login that the type takes, the others with the one they are for', () => {
  expect(casesOf(stepType, [target]).map(({ title, auth }) => `${title} ${auth.name}`)).toEqual([
    'first none',
    'first one',
    'first two',
    'second two',
    'third none',
  ])
})

test('what is not tried is told: an example that no peer plays, a credential type that no login has', () => {
  const narrow: Target = {
    ...target,
    auths: target.auths.slice(0, 2),
    place: (step) => (step.input.n === 3 ? undefined : step),
  }
  const cases = casesOf(stepType, [narrow])
  expect(untried(stepType, cases, [])).toEqual(['example: second', 'example: third', 'credential type: two'])
  expect(untried({ ...stepType, examples: [] }, [], [])).toContain('it has no example')
})

test('in the matrix step types that are alike stand together, and what was not run says why', () => {
  const rows = ['a.b', 'a.c'].flatMap((type) => [
    { type, auth: 'x', target: 'peer' },
    { type, auth: 'none', target: 'peer' },
    { type, auth: 'none', target: 'peer' },
  ])
  const table = matrixTable([...rows, { type: 'a.d', auth: 'y', target: 'elsewhere', why: 'not to be had' }])
  expect(table.trim().split('\n').slice(2)).toEqual([
    '| `a.b`, `a.c` | none, x | peer |',
    '| `a.d` | y (not run: not to be had) | elsewhere |',
  ])
})
