import { existsSync } from 'node:fs'
import { installPackages } from './apt-packages.ts'
import { leaveOut } from './leave-out.ts'

const servers = [
  '/usr/sbin/mariadbd',
  '/usr/bin/mariadbd',
  '/usr/libexec/mariadbd',
  '/usr/local/bin/mariadbd',
  '/opt/homebrew/bin/mariadbd',
]

/**
 * Finds a MariaDB server: the variable that `startMariaDb` reads. Where it is missing and cannot be installed, CI=true fails,
 * and elsewhere its tests are left out, with one line.
 */
export function prepareMariaDb(say: (line: string) => void): Record<string, string> {
  const find = () => servers.find((path) => existsSync(path))
  const missing = find() === undefined ? installPackages(['mariadb-server'], say) : undefined
  const found = find()
  if (found !== undefined) return { TEST_MARIADB: found }
  leaveOut('MySQL', `MariaDB: ${missing ?? 'mariadbd was not found'}`, say)
  return { TEST_MARIADB: 'none' }
}
