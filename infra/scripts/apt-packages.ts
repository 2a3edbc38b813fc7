import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const limitMs = 300_000

/**
 * Installs Debian packages where that disturbs nobody: as root, and with no systemd that would start what they bring
 * (containers, CI). Answers undefined, or what stopped it.
 */
export function installPackages(
  packages: readonly string[],
  say: (line: string) => void,
): string | undefined {
  const byHand = `install ${packages.join(', ')} (apt-get install ${packages.join(' ')})`
  if (process.getuid?.() !== 0 || existsSync('/run/systemd/system') || !existsSync('/usr/bin/apt-get'))
    return byHand
  say(`installing ${packages.join(', ')} …`)
  if (aptGet('install', '-y', '--no-install-recommends', ...packages)) return undefined
  // A fresh container has no package lists.
  if (aptGet('update') && aptGet('install', '-y', '--no-install-recommends', ...packages)) return undefined
  return `${byHand}: apt-get could not`
}

const aptGet = (...arguments_: string[]): boolean =>
  spawnSync('apt-get', ['-qq', ...arguments_], {
    stdio: 'ignore',
    timeout: limitMs,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }).status === 0
