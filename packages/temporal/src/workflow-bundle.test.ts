import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { DefaultLogger } from '@temporalio/worker'
import { loadWorkflowBundle } from './workflow-bundle.ts'
import { hashWorkflowSources } from './workflow-sources.ts'

const workflowsPath = fileURLToPath(new URL('../test/workflows/echo.ts', import.meta.url))
const logger = new DefaultLogger('ERROR')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundle-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('a bundle is made once and then read from a folder that is ours alone', async () => {
  const directory = join(folder, 'kept')
  const made = await loadWorkflowBundle({ workflowsPath, directory, logger })
  expect(made.code).toContain('remember')
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  const [name] = await readdir(directory)
  await writeFile(join(directory, name as string), 'as it was kept')
  expect(await loadWorkflowBundle({ workflowsPath, directory, logger })).toEqual({ code: 'as it was kept' })
})

test('with tracing the bundle is another one', async () => {
  const directory = join(folder, 'traced')
  const { code } = await loadWorkflowBundle({ workflowsPath, directory, tracing: true, logger })
  expect(code).toContain('OpenTelemetryInboundInterceptor')
  expect((await readdir(directory))[0]).toMatch(/-traced\.cjs$/)
})

test('a change in any source that the workflows reach is another hash', async () => {
  const entry = join(folder, 'entry.ts')
  const reached = join(folder, 'reached.ts')
  await writeFile(
    entry,
    `import {\n  a,\n} from './reached.ts'\nimport type { B } from './types-only.ts'\nexport { a }\n`,
  )
  await writeFile(reached, 'export const a = 1\n')
  const before = await hashWorkflowSources(entry)
  expect(await hashWorkflowSources(entry)).toBe(before)
  await writeFile(reached, 'export const a = 2\n')
  expect(await hashWorkflowSources(entry)).not.toBe(before)
  expect(await readFile(reached, 'utf8')).toContain('2')
})
