/**
 * `npm run docs:step-types`: writes services/executor/STEP-TYPES.md from the catalogue. With `--check` it writes nothing
 * and fails where the page is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeStepType } from '../../services/executor/src/step-types/describe-step-type.ts'
import { stepTypes } from '../../services/executor/src/step-types/index.ts'
import { root } from '../local/layout.ts'
import { stepTypePage } from './step-type-page.ts'

const file = 'services/executor/STEP-TYPES.md'
const path = join(root, file)
const page = stepTypePage([...stepTypes.values()].map(describeStepType))
if (!process.argv.includes('--check')) writeFileSync(path, page)
else if (!existsSync(path) || readFileSync(path, 'utf8') !== page) {
  console.error(`${file} is not what the step types say: run npm run docs:step-types`)
  process.exitCode = 1
}
