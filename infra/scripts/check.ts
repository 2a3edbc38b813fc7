/** `npm run check`: style, types, layers, dead code, file sizes, generated pages, links, unit tests. Prints each with its time; all run even if one fails. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { root } from '../local/layout.ts'
import { findOversizedFiles } from './file-sizes.ts'
import { findBrokenLinks } from './links.ts'

interface Check {
  name: string
  run(): Promise<string[]>
}

/** Runs a tool of node_modules; its output is the finding where it fails. */
function tool(name: string, command: string, arguments_: string[]): Check {
  return {
    name,
    async run() {
      const child = spawn(`${root}node_modules/.bin/${command}`, arguments_, {
        cwd: root,
        env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}` },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      child.stdout.on('data', (data) => {
        output += data
      })
      child.stderr.on('data', (data) => {
        output += data
      })
      const [code] = await once(child, 'close')
      return code === 0 ? [] : [output.trim()]
    },
  }
}

const jest = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
]
const checks: Check[] = [
  tool('style (Biome)', 'biome', ['ci', '.']),
  tool('types (tsc)', 'tsc', ['-p', 'tsconfig.json']),
  tool('layers (dependency-cruiser)', 'depcruise', [
    '--config',
    '.dependency-cruiser.mjs',
    'services',
    'packages',
    'infra',
    'kong',
  ]),
  tool('dead code (knip)', 'knip', ['--no-progress']),
  { name: 'file sizes', run: async () => findOversizedFiles(root) },
  tool('page of step types', 'node', ['infra/scripts/step-type-docs.ts', '--check']),
  { name: 'links', run: async () => findBrokenLinks(root) },
  tool('unit tests (jest)', 'node', [...jest, '--silent', '--testPathIgnorePatterns', '/test/', '/e2e/']),
]

let failed = 0
for (const { name, run } of checks) {
  const startedAt = performance.now()
  const findings = await run()
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${findings.length === 0 ? '✓' : '✗'} ${name} (${seconds} s)`)
  for (const finding of findings) console.log(finding)
  if (findings.length > 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
