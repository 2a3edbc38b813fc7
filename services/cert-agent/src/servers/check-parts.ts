import type { serverCheckParts } from '@opsconductor/contracts'
import { complaintOf, testCommand, versionCommand } from '../deploying/nginx-commands.ts'
import type { ServerSession } from './open-server.ts'

export interface CheckedPart {
  state: 'passed' | 'failed' | 'skipped'
  message?: string
  /** Of NGINX. */
  version?: string
}

type Part = Exclude<(typeof serverCheckParts)[number], 'connection'>

/** In the order in which one builds on the other. */
export const checks: readonly (readonly [Part, (session: ServerSession) => Promise<CheckedPart>])[] = [
  ['sudo', checkSudo],
  ['nginx', checkNginx],
  ['configuration', checkConfiguration],
  ['directories', checkDirectories],
]

const failed = (message: string): CheckedPart => ({ state: 'failed', message })

async function checkSudo({ server, run }: ServerSession): Promise<CheckedPart> {
  if (!server.sudo) return { state: 'skipped', message: 'The server is set to do without.' }
  const { exitCode } = await run(['true'], { mayFail: true })
  return exitCode === 0 ? { state: 'passed' } : failed('The account may not become root by sudo.')
}

async function checkNginx({ server, run }: ServerSession): Promise<CheckedPart> {
  const { exitCode, stderr } = await run(versionCommand(server.nginx), { mayFail: true })
  if (exitCode !== 0) return failed(`${server.nginx.binary} is not there, or cannot be run by the account.`)
  const version = /\bversion: ([\x21-\x7e]{1,100})/.exec(stderr.toString('utf8'))?.[1]
  return version === undefined
    ? failed(`${server.nginx.binary} does not say its version, as NGINX does.`)
    : { state: 'passed', version }
}

async function checkConfiguration({ server, run }: ServerSession): Promise<CheckedPart> {
  const { exitCode, stderr } = await run(testCommand(server.nginx), { mayFail: true })
  return exitCode === 0
    ? { state: 'passed' }
    : failed(`NGINX refuses its configuration: ${complaintOf(stderr)}`)
}

/**
 * Answers the first that cannot be written. Nothing is made: a directory that is not there yet can be made where the nearest one
 * above can be written.
 */
const writableScript = `
for directory; do
  d=$directory
  while [ ! -e "$d" ] && [ "$d" != / ]; do d=$(dirname -- "$d"); done
  [ -d "$d" ] && [ -w "$d" ] || { printf '%s' "$directory"; exit 1; }
done`

async function checkDirectories({ server, run }: ServerSession): Promise<CheckedPart> {
  const { certificates_directory, config_directories } = server.nginx
  const words = [certificates_directory, ...config_directories]
  const { exitCode, stdout } = await run(['sh', '-c', writableScript, 'sh', ...words], { mayFail: true })
  if (exitCode === 0) return { state: 'passed' }
  const directory = words.find((word) => word === stdout.toString('utf8')) ?? 'A directory'
  return failed(`${directory} cannot be written by the account.`)
}
