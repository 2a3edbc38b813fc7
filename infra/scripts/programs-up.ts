import { spawnSync } from 'node:child_process'
import { StackFault } from '../local/stack-fault.ts'
import { installPackages } from './apt-packages.ts'

/** Debian packages of small programs that tests run, by the command that shows that they are there. */
const programs = {
  openssl: 'openssl',
  curl: 'curl',
  jq: 'jq',
  '/usr/sbin/snmpd': 'snmpd',
  snmpbulkwalk: 'snmp',
  '/usr/sbin/sshd': 'openssh-server',
  '/usr/sbin/named': 'bind9',
  '/usr/sbin/nginx': 'nginx',
  'ssh-keygen': 'openssh-client',
  ps: 'procps',
}

/** Makes sure of them; throws, with one line, where one is missing and cannot be installed here. */
export function preparePrograms(say: (line: string) => void): void {
  const missing = Object.entries(programs).filter(
    ([command]) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error !== undefined,
  )
  if (missing.length === 0) return
  const stopped = installPackages(
    missing.map(([, name]) => name),
    say,
  )
  if (stopped !== undefined) throw new StackFault(stopped)
}
