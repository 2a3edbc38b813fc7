import { expect, test } from '@jest/globals'
import { Slug } from '@opsconductor/contracts'
import { slugOf } from './create-workflow.ts'

test.each([
  ['Restart web-01!', 'restart-web-01'],
  ['  Größe  prüfen ', 'gro-e-prufen'],
  ['42 answers', 'answers'],
  ['日本', 'job'],
  [`${'long '.repeat(40)}`, 'long-'.repeat(20).slice(0, -1)],
])('the job name %j gives the workflow name %s, always a valid one', (name, slug) => {
  expect(slugOf(name)).toBe(slug)
  expect(Slug.safeParse(slugOf(name)).success).toBe(true)
})
