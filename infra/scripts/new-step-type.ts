/** `npm run new:step-type -- ssh.exec`: writes the file and its test, and adds the line in the room's list. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../local/layout.ts'

const [type] = process.argv.slice(2)
const [, family, verb] = /^([a-z]+)\.([a-z]+)$/.exec(type ?? '') ?? []
if (family === undefined || verb === undefined) {
  console.error('usage: npm run new:step-type -- <family>.<verb>, as in ssh.exec')
  process.exit(2)
}
const room = join(root, 'services/executor/src/step-types')
const file = `${family}-${verb}`
const capital = (word: string) => word[0]?.toUpperCase() + word.slice(1)
const name = family + capital(verb)
const Name = capital(name)

if (existsSync(join(room, `${file}.ts`))) {
  console.error(`${file}.ts is there already`)
  process.exit(1)
}
writeFileSync(
  join(room, `${file}.ts`),
  `import { z } from 'zod'
import { defineStepType } from './define-step-type.ts'

const ${Name}Input = z.object({}).strict()
const ${Name}Output = z.object({ done: z.boolean().describe('What it means') })

export const ${name} = defineStepType({
  type: '${type}',
  title: '${capital(family)} ${verb}',
  description: 'What it does and needs, in a sentence or two for a job’s author.',
  risk: 'medium',
  credentials: [],
  input: ${Name}Input,
  output: ${Name}Output,
  retryable: false,
  timeoutSeconds: 30,
  examples: [{ title: 'Describe what this does', input: {} }],
  async run() {
    throw new Error('${type} does nothing yet')
  },
})
`,
)
writeFileSync(
  join(room, `${file}.test.ts`),
  `import { expect, test } from '@jest/globals'
import { ${name} } from './${file}.ts'

test('${type} takes every one of its examples', () => {
  for (const { input } of ${name}.examples) expect(${name}.input.safeParse(input).success).toBe(true)
})
`,
)
const index = join(room, 'index.ts')
const lines = readFileSync(index, 'utf8')
  .replace(/(?=^import )/m, `import { ${name} } from './${file}.ts'\n`)
  .replace(/(stepTypeList[^=]*=\s*\[)/, `$1\n  ${name},`)
writeFileSync(index, lines)
console.log(
  `wrote services/executor/src/step-types/${file}.ts and its test, and listed it in index.ts. Then:
- npm run format, and npm run docs:step-types when it is described
- a peer that plays its target: services/executor/test/contract/peers-${family}.ts, listed in families.ts there`,
)
