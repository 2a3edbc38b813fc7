import { writeFileSync } from 'node:fs'

/**
 * Leaves what a run proved in the file that JEST_REPORT names, for infra/scripts: the counts, and the titles of the
 * passed tests.
 */
export default class {
  onRunComplete(_contexts, results) {
    if (process.env.JEST_REPORT === undefined) return
    const broken = results.testResults.filter((file) => file.testExecError).length
    const titles = results.testResults.flatMap((file) =>
      file.testResults.filter((test) => test.status === 'passed').map((test) => test.fullName),
    )
    const report = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + broken,
      skipped: results.numPendingTests + results.numTodoTests,
      titles,
    }
    writeFileSync(process.env.JEST_REPORT, JSON.stringify(report))
  }
}
