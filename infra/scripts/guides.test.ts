import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { root } from '../local/layout.ts'
import { trackedFiles } from './tracked-files.ts'

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}
const guides = trackedFiles(root).filter((file) => file.endsWith('.md'))

test('001.26 every command that the guides name is there', () => {
  expect(guides).toContain('services/secrets-broker/OPERATIONS.md')
  const unknown = guides.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/npm run (?:--silent )?([\w:-]+)/g)]
      .map(([, name]) => name as string)
      .filter((name) => !Object.hasOwn(scripts, name))
      .map((name) => `${file}: npm run ${name}`),
  )
  expect(unknown).toEqual([])
})
