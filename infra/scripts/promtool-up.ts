import { spawnSync } from 'node:child_process'
import { installPackages } from './apt-packages.ts'
import { leaveOut } from './leave-out.ts'

/**
 * Finds promtool, which tests the alerts: the variable that `runPromtool` reads. Where it is missing and cannot be
 * installed, CI=true fails, and elsewhere the tests of the alerts are left out, with one line.
 */
export function preparePromtool(say: (line: string) => void): Record<string, string> {
  const runs = () => spawnSync('promtool', ['--version']).status === 0
  const missing = runs() ? undefined : installPackages(['prometheus'], say)
  if (missing === undefined && runs()) return { TEST_PROMTOOL: 'promtool' }
  const line = `promtool: ${missing ?? 'it was installed and does not run'}`
  leaveOut('the alerts', line, say)
  return { TEST_PROMTOOL: 'none' }
}
