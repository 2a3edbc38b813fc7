import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from './apt-packages.ts'
import { leaveOut } from './leave-out.ts'

/** Below it the migrations do not run. */
const majorMin = 15

/** Where installations keep all binaries of one version together. */
const installations = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt', '/usr']

/**
 * Finds a PostgreSQL with server and client tools of one version, which the embedded one does not bring: the variable
 * that `startPostgresWithTools` reads. Where it is missing and cannot be installed, CI=true fails, and elsewhere the
 * tests of backup and restore are left out, with one line.
 */
export function preparePostgresTools(say: (line: string) => void): Record<string, string> {
  const missing = findBinaries() === undefined ? installPackages(['postgresql'], say) : undefined
  const found = findBinaries()
  if (found !== undefined) return { TEST_POSTGRES_BIN: found }
  const line = `PostgreSQL's tools: ${missing ?? `there is no PostgreSQL ${majorMin} or newer with pg_dump`}`
  leaveOut('backup and restore', line, say)
  return { TEST_POSTGRES_BIN: 'none' }
}

function findBinaries(): string | undefined {
  const found: { directory: string; major: number }[] = []
  for (const parent of installations.filter((path) => existsSync(path)))
    for (const name of readdirSync(parent).filter((entry) =>
      /^(postgresql(@\d+)?|pgsql-\d+|\d+)$/.test(entry),
    )) {
      const directory = join(parent, name, 'bin')
      const complete = ['initdb', 'postgres', 'pg_dump', 'pg_restore'].every((tool) =>
        existsSync(join(directory, tool)),
      )
      if (complete) found.push({ directory, major: majorOf(directory) })
    }
  return found.sort((a, b) => b.major - a.major).find(({ major }) => major >= majorMin)?.directory
}

function majorOf(directory: string): number {
  const { stdout } = spawnSync(join(directory, 'pg_dump'), ['--version'], { encoding: 'utf8' })
  return Number(/\) (\d+)/.exec(stdout ?? '')?.[1] ?? 0)
}
