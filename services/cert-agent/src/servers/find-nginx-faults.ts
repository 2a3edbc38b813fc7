import { posix } from 'node:path'
import type { NginxSettings } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { isBelow } from './is-below.ts'

/** The names under which NGINX and its kin are installed: `binary` runs with the account's rights, or root's. */
const binaryName = /^(?:nginx|openresty|tengine|angie|freenginx)[A-Za-z0-9._-]*$/

/** Where a file that somebody else chooses makes a program run, opens a login, or is no file at all. */
const keptFrom = [
  ...['/bin', '/boot', '/dev', '/lib', '/lib32', '/lib64', '/proc', '/run', '/sbin', '/sys'],
  ...['/usr/bin', '/usr/lib', '/usr/libexec', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'],
  ...['/usr/local/lib', '/var/run', '/var/spool'],
]

/** Of /etc only what is NGINX's or for certificates: much of the rest is read by shells, line by line. */
const notOfEtc =
  /^\/etc(?:\/(?!(?:(?:nginx|openresty|tengine|angie|freenginx|ssl|pki|cert)[^/]*|opt)(?:\/|$))|$)/

export const isOfTheSystem = (directory: string): boolean =>
  notOfEtc.test(directory) || keptFrom.some((kept) => directory === kept || isBelow(kept, directory))

/** What is wrong with a server's paths beyond their spelling. */
export function findNginxFaults(nginx: NginxSettings): FieldError[] {
  const at = 'body.nginx'
  const faults: FieldError[] = []
  if (!binaryName.test(posix.basename(nginx.binary)))
    faults.push({ path: `${at}.binary`, message: 'must be the path of nginx' })
  // Of a file that is none of its own NGINX quotes what it does not understand, such as the first word of /etc/shadow.
  if (nginx.config_file !== null && !nginx.config_file.endsWith('.conf'))
    faults.push({ path: `${at}.config_file`, message: 'must be a configuration of NGINX, called ….conf' })
  const directories = [
    { path: `${at}.certificates_directory`, directory: nginx.certificates_directory },
    ...nginx.config_directories.map((directory, i) => ({
      path: `${at}.config_directories[${i}]`,
      directory,
    })),
  ]
  for (const { path, directory } of directories) {
    const message = findDirectoryFault(directory)
    if (message !== undefined) faults.push({ path, message })
  }
  nginx.config_directories.forEach((directory, i) => {
    if (isBelow(nginx.certificates_directory, directory) || directory === nginx.certificates_directory)
      faults.push({
        path: `${at}.config_directories[${i}]`,
        message: 'must not be where the private keys are',
      })
  })
  return faults
}

function findDirectoryFault(directory: string): string | undefined {
  const parts = directory.split('/').slice(1)
  if (parts.length < 2) return 'must be at least two levels below /'
  if (parts.some((part) => part.startsWith('.'))) return 'must not lead through hidden directories'
  if (isOfTheSystem(directory)) return 'is a directory of the system, which is not written to'
  return undefined
}

/** Why a file is not written: below a directory that may be written to there can be others that may not. */
export function findFileFault(file: string): string | undefined {
  if (file.split('/').some((part) => part.startsWith('.')))
    return 'must not be hidden, or in a hidden directory'
  if (isOfTheSystem(file)) return 'must not be in a directory of the system'
  return undefined
}
