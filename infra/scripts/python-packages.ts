import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from './apt-packages.ts'

const installTimeoutMs = 10 * 60_000

/** Makes a Python environment at `place` that holds the packages, from PyPI. Undefined, or what stopped it. */
export function installPythonPackages(
  place: string,
  packages: string[],
  say: (line: string) => void,
): string | undefined {
  const makeEnvironment = () => runs('python3', ['-m', 'venv', place])
  if (!makeEnvironment()) {
    const stopped = installPackages(['python3-venv'], say)
    rmSync(place, { recursive: true, force: true })
    if (stopped !== undefined) return stopped
    if (!makeEnvironment()) return 'python3 -m venv could not make an environment'
  }
  const pip = ['install', '--quiet', '--disable-pip-version-check', ...packages]
  return runs(join(place, 'bin/pip'), pip) ? undefined : `pip could not install ${packages.join(', ')}`
}

const runs = (command: string, arguments_: string[]): boolean =>
  spawnSync(command, arguments_, { stdio: 'ignore', timeout: installTimeoutMs }).status === 0
