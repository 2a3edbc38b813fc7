import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { leaveOut } from './leave-out.ts'
import { installPythonPackages } from './python-packages.ts'

const version = '5.2.5'

/**
 * Makes moto ready, an AWS that is kept in memory: the variable that `startMoto` reads. Installed once per machine,
 * outside the checkout; that may take a minute or two.
 */
export function prepareMoto(cacheDirectory: string, say: (line: string) => void): Record<string, string> {
  const place = join(cacheDirectory, `moto-${version}`)
  const python = join(place, 'bin/python')
  const missing = existsSync(python) ? undefined : install(place, say)
  if (missing === undefined) return { TEST_MOTO_PYTHON: python }
  leaveOut('AWS Secrets Manager', `moto ${version}: ${missing}`, say)
  return { TEST_MOTO_PYTHON: 'none' }
}

/** Undefined, or what stopped it. Built beside its place and put there whole. */
function install(place: string, say: (line: string) => void): string | undefined {
  const building = `${place}.building-${process.pid}`
  mkdirSync(dirname(place), { recursive: true })
  say(`installing moto ${version} (once; may take two minutes) …`)
  try {
    const stopped = installPythonPackages(building, [`moto[server,secretsmanager]==${version}`], say)
    if (stopped !== undefined) return stopped
    rmSync(place, { recursive: true, force: true })
    renameSync(building, place)
    return undefined
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
}
