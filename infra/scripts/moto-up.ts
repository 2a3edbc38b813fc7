import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installPackages } from './apt-packages.ts'
import { leaveOut } from './leave-out.ts'

const version = '5.2.5'
const installTimeoutMs = 10 * 60_000

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
  const makeEnvironment = () => runs('python3', ['-m', 'venv', building])
  say(`installing moto ${version} (once; may take two minutes) …`)
  try {
    if (!makeEnvironment()) {
      const stopped = installPackages(['python3-venv'], say)
      rmSync(building, { recursive: true, force: true })
      if (stopped !== undefined) return stopped
      if (!makeEnvironment()) return 'python3 -m venv could not make an environment'
    }
    const pip = [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      `moto[server,secretsmanager]==${version}`,
    ]
    if (!runs(join(building, 'bin/pip'), pip)) return 'pip could not install it'
    rmSync(place, { recursive: true, force: true })
    renameSync(building, place)
    return undefined
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
}

const runs = (command: string, arguments_: string[]): boolean =>
  spawnSync(command, arguments_, { stdio: 'ignore', timeout: installTimeoutMs }).status === 0
