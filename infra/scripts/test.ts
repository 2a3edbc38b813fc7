/**
 * `npm test`: every test on real peers. Arguments go to jest (`npm test -- services/executor`). The last line is
 * `N passed, N failed, N skipped`.
 */
import { rmSync } from 'node:fs'
import { StackFault } from '../local/stack-fault.ts'
import { lastReportFile, runJest } from './run-jest.ts'
import { assertNoSchemaDrift } from './schema-drift.ts'
import { startTestPeers } from './test-peers-up.ts'

let status = 1
rmSync(lastReportFile, { force: true })
try {
  const startedAt = performance.now()
  const peers = await startTestPeers()
  const stop = () => void peers.stop().finally(() => process.exit(130))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  console.log(`PostgreSQL and Temporal are ready (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
  try {
    await assertNoSchemaDrift(peers.environment.TEST_DATABASE_URL as string)
    const { code, report } = await runJest(process.argv.slice(2), peers.environment)
    status = code
    if (report) console.log(`${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`)
  } finally {
    await peers.stop()
  }
} catch (error) {
  console.error(error instanceof StackFault ? `npm test: ${error.message}` : error)
}
process.exit(status)
