import { randomBytes } from 'node:crypto'

/** One word for a POSIX shell, whatever stands in it. */
export const quoteWord = (word: string): string =>
  /^[A-Za-z0-9_/:=.,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

export interface SudoAs {
  /** root, where it is left out. */
  user?: string | undefined
  /** Given only when sudo asks for it; undefined where it must not ask. */
  password?: string | undefined
}

export interface RemoteCommand {
  /** What the login shell is given. */
  line: string
  /** Begins the line on stderr that says that the command has begun, followed by its process group; 0 where it has none. */
  startMark: string
  /** What sudo writes on stderr where it asks for a password. */
  passwordMark: string
}

/**
 * Says which process group it is, and becomes the command. sshd gives a session its own group; where something stands
 * between (sudo with a pty), `setsid` makes one. It execs all along, so that exit status and signal are the command's.
 */
const wrapper = [
  'm=$1; shift',
  'if kill -s 0 -- "-$$" 2>/dev/null; then echo "$m $$" >&2',
  `elif command -v setsid >/dev/null 2>&1; then exec setsid sh -c 'echo "$1 $$" >&2; shift; exec "$@"' sh "$m" "$@"`,
  'else echo "$m 0" >&2; fi',
  'exec "$@"',
].join('\n')

/** `argv` with environment and folder, in a process group that can be killed. */
export function remoteCommand(
  argv: readonly string[],
  {
    env = {},
    folder,
    sudo,
  }: { env?: Readonly<Record<string, string>>; folder?: string | undefined; sudo?: SudoAs | undefined } = {},
): RemoteCommand {
  const mark = `opsconductor-${randomBytes(12).toString('hex')}`
  const [startMark, passwordMark] = [`${mark}-runs`, `${mark}-asks`]
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const inFolder = ['sh', '-c', 'cd -- "$1" || exit 126; shift; exec "$@"', 'sh']
  const words = [
    ...['sh', '-c', wrapper, 'sh', startMark],
    ...(assignments.length > 0 ? ['env', ...assignments] : []),
    ...(folder === undefined ? [] : [...inFolder, folder]),
    ...argv,
  ]
  return {
    line: `exec ${sudoWords(sudo, passwordMark).concat(words).map(quoteWord).join(' ')}`,
    startMark,
    passwordMark,
  }
}

/** Kills a process group, as the user that the command ran as. */
export function killGroup(group: number, sudo: SudoAs | undefined): string | RemoteCommand {
  const line = `kill -s KILL -- -${group}`
  return sudo === undefined ? line : remoteCommand(['sh', '-c', line], { sudo })
}

/** Without a password sudo must not ask: it would wait for an answer that nobody gives. */
function sudoWords(sudo: SudoAs | undefined, passwordMark: string): string[] {
  if (sudo === undefined) return []
  const asking = sudo.password === undefined ? ['-n'] : ['-S', '-p', passwordMark]
  return ['sudo', ...asking, '-u', sudo.user ?? 'root', '--']
}
