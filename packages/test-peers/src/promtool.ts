import { spawnSync } from 'node:child_process'
import { requirePeer } from './peer.ts'

const promtool = () => requirePeer('TEST_PROMTOOL', 'promtool')

/** Whether `npm test` could not have promtool on this machine and said so; never in CI, where that is a failure. */
export const promtoolIsMissing = (): boolean => promtool() === 'none'

/** Runs Prometheus's own tool; `output` is what it said on either stream. */
export function runPromtool(...arguments_: string[]): { code: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(promtool(), arguments_, {
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (error !== undefined) throw error
  return { code: status, output: stdout + stderr }
}
