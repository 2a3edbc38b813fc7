import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { root } from '../local/layout.ts'

export interface JestReport {
  passed: number
  failed: number
  skipped: number
  /** Full names of the tests that passed. */
  titles: string[]
}

/** The report of the last run, for `npm run requirements`. */
export const lastReportFile = `${root}node_modules/.cache/opsconductor/last-test-run.json`

/** Runs jest on our own Node; answers its exit code and, where it got that far, its report. */
export async function runJest(
  arguments_: string[],
  environment: Record<string, string>,
): Promise<{ code: number; report: JestReport | undefined }> {
  mkdirSync(dirname(lastReportFile), { recursive: true })
  const child = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      ...arguments_,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment, JEST_REPORT: lastReportFile } },
  )
  const [code] = (await once(child, 'exit')) as [number | null]
  const report = existsSync(lastReportFile)
    ? (JSON.parse(readFileSync(lastReportFile, 'utf8')) as JestReport)
    : undefined
  return { code: code ?? 1, report }
}
