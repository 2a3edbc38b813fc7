import { createHash } from 'node:crypto'
import { AppError, toAppError } from '@opsconductor/errors'
import type { SshAccess } from '@opsconductor/reach'
import type { Redactor, SecretValue } from '@opsconductor/redact'
import { type CommandResult, remoteCommand, runCommand } from '@opsconductor/ssh'
import type { Way } from './open-way.ts'
import { putScript } from './session-scripts.ts'
import type { StoredServer } from './store.ts'

interface UploadedFile {
  path: string
  content: string | Uint8Array
  mode: number
  /** Names of accounts; null or left out: who writes it. */
  owner?: string | null
  group?: string | null
}

interface RunOptions {
  /** As root; left out: as the server is set. */
  sudo?: boolean
  stdin?: string | Uint8Array
  /** A nonzero exit is an answer. */
  mayFail?: boolean
  outputBytesMax?: number
  /** Instead of the session's own, for what is to be done although that has fired. */
  signal?: AbortSignal
}

/** A managed server that was logged in to. All that is done there is in the audit log. */
export interface ServerSession {
  server: StoredServer
  /** Throws `target_refused` where it ends with another exit code than 0, unless it `mayFail`. */
  run(argv: readonly string[], options?: RunOptions): Promise<CommandResult>
  /** Each whole or not at all: it is written beside its place, and renamed. `folders` are made where they are not there. */
  upload(files: readonly UploadedFile[], folders: readonly string[]): Promise<void>
  /** How its project's connections get to it and its virtual hosts. */
  way: Way
}

interface SessionOf {
  server: StoredServer
  access(signal: AbortSignal): SshAccess
  signal: AbortSignal
  /** What sudo is given where it asks. */
  password: SecretValue | undefined
  redactor: Redactor
  record(
    action: 'command' | 'file',
    outcome: 'succeeded' | 'failed',
    detail: Record<string, string | number | boolean | null | string[]>,
  ): Promise<void>
}

const commandMsMax = 60_000
const outputBytesMax = 64 * 1024
/** A command line is 128 KB at most, and a word of it may have a thousand characters. */
const filesAtOnceMax = 40
/** Of a command in the audit log: a script is known by its first line. */
const audited = { wordsMax: 50, charactersMax: 200 }

export function createServerSession(of: SessionOf): Omit<ServerSession, 'server' | 'way'> {
  const { server, access, redactor, record } = of
  const shown = (argv: readonly string[]) =>
    argv.slice(0, audited.wordsMax).map((word) => redactor.redact(word).slice(0, audited.charactersMax))

  async function run(argv: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const as = (options.sudo ?? server.sudo) ? { password: of.password?.reveal() } : undefined
    const startedAt = performance.now()
    const facts = () => ({
      argv: shown(argv),
      sudo: as !== undefined,
      ms: Math.round(performance.now() - startedAt),
    })
    const limit = limited(options.signal ?? of.signal)
    let result: CommandResult
    try {
      result = await access(limit.signal)(server, (connection) =>
        runCommand(connection, {
          command: remoteCommand(argv, { env: { LC_ALL: 'C' }, sudo: as }),
          ...{ sudo: as, stdin: options.stdin, signal: limit.signal },
          outputBytesMax: options.outputBytesMax ?? outputBytesMax,
        }),
      )
    } catch (error) {
      await record('command', 'failed', { ...facts(), code: toAppError(error).code })
      throw error
    } finally {
      limit.end()
    }
    const { exitCode } = result
    // It is quoted to people; a server may echo what it was given.
    const stderr = Buffer.from(redactor.redact(result.stderr.toString('utf8')))
    await record('command', exitCode === 0 ? 'succeeded' : 'failed', { ...facts(), exit_code: exitCode })
    if (exitCode !== 0 && options.mayFail !== true) throw commandFailed(argv, { ...result, stderr })
    return { ...result, stderr }
  }

  /** By a command and its input, as whichever account that is: nothing stays where the connection breaks. */
  async function put(files: readonly UploadedFile[], folders: readonly string[]): Promise<void> {
    const contents = files.map(({ content }) => Buffer.from(content))
    const facts = files.map(({ path, mode }, index) => {
      const content = contents[index] as Buffer
      const sha256 = createHash('sha256').update(content).digest('hex')
      return { path, bytes: content.length, sha256, mode: mode.toString(8) }
    })
    const words = facts.flatMap(({ path, sha256, bytes, mode }, index) => {
      const { owner, group } = files[index] as UploadedFile
      return [path, sha256, String(bytes), mode.padStart(4, '0'), owner ?? '', group ?? '']
    })
    const argv = ['sh', '-c', putScript, 'sh', String(folders.length), ...folders, ...words]
    try {
      await run(argv, { stdin: Buffer.concat(contents) })
    } catch (error) {
      const { code } = toAppError(error)
      for (const fact of facts) await record('file', 'failed', { ...fact, code })
      throw error
    }
    for (const fact of facts) await record('file', 'succeeded', fact)
  }

  return {
    run,
    async upload(files, folders) {
      for (let at = 0; at < files.length; at += filesAtOnceMax)
        await put(files.slice(at, at + filesAtOnceMax), folders)
    },
  }
}

function limited(signal: AbortSignal) {
  const timeout = new AbortController()
  const timer = setTimeout(
    () =>
      timeout.abort(
        new AppError('step_timeout', `The server took longer than ${commandMsMax / 1000} s to answer.`),
      ),
    commandMsMax,
  )
  return { signal: AbortSignal.any([signal, timeout.signal]), end: () => clearTimeout(timer) }
}

function commandFailed(argv: readonly string[], { exitCode, signal, stderr }: CommandResult): AppError {
  const [program = ''] = argv
  const how = exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${exitCode}`
  const said = lastLine(stderr.toString('utf8'))
  return new AppError(
    'target_refused',
    `A command on the server (${program.split('/').at(-1)}) ${how}${said === '' ? '.' : `: ${said}`}`,
  )
}

const quotedCharactersMax = 300

/** Of what a program said, its last line, for a person to read. */
function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? ''
  return line.replaceAll(/\p{C}+/gu, ' ').slice(0, quotedCharactersMax)
}
