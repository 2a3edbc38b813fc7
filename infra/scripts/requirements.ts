/** `npm run requirements`: each numbered requirement with the tests that proved it in the last `npm test`, and those with none. */
import { existsSync, readFileSync } from 'node:fs'
import { root } from '../local/layout.ts'
import { type JestReport, lastReportFile } from './run-jest.ts'

interface Requirement {
  number: string
  text: string
  work: string
}

const row = /^\| (\d{3}\.[^|]+?) \| (.+?) \| ([^|]+?) \|$/

function readRequirements(): Requirement[] {
  return readFileSync(`${root}infra/requirements.md`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, number, text, work] = row.exec(line) ?? []
      return number === undefined ? [] : [{ number, text: text as string, work: work as string }]
    })
}

if (!existsSync(lastReportFile)) {
  console.error('npm run requirements reads the last test run: run npm test first')
  process.exit(1)
}
const { titles } = JSON.parse(readFileSync(lastReportFile, 'utf8')) as JestReport
const requirements = readRequirements()
/** `003.05` must not be found in `003.051`, nor in a longer number. */
const provenBy = (number: string) =>
  titles.filter((title) => new RegExp(`(?<![\\d.])${number.replaceAll('.', '\\.')}(?!\\d)`).test(title))

const open: Requirement[] = []
for (const requirement of requirements) {
  const tests = provenBy(requirement.number)
  if (tests.length === 0) open.push(requirement)
  else
    console.log(
      `${requirement.number}  ${requirement.text}\n${tests.map((title) => `    ✓ ${title}`).join('\n')}`,
    )
}
console.log(`\nWithout a passing test (${open.length} of ${requirements.length}):`)
for (const { number, text, work } of open) console.log(`  ${number.padEnd(22)} [work ${work}] ${text}`)
