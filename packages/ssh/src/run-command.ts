import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import type { ClientChannel } from 'ssh2'
import { collectOutput } from './collect-output.ts'
import type { CommandResult, CommandRun } from './command-run.ts'
import type { SshConnection } from './connection.ts'
import { killGroup, type SudoAs } from './remote-command.ts'
import { connectionLost } from './ssh-error.ts'
import { type StartWatch, watchStart } from './watch-start.ts'

/** Output that is thrown away costs time all the same; a command that goes on and on is stopped. */
const discardedBytesMax = 64 * 1024 * 1024
const killWaitMs = 700
const killMsMax = 5_000
const killPauseMs = 50
/** A command that left something behind holds its output open; after its end this long without output is enough. */
const silenceMsMax = 2_000

/**
 * Runs a command to its end. When `signal` fires, the command's process group is killed before this throws `signal`'s
 * reason. Throws `target_unreachable` where the connection breaks: whether the command took effect is not known then.
 */
export async function runCommand(connection: SshConnection, run: CommandRun): Promise<CommandResult> {
  const started = await startCommand(connection, run)
  try {
    return await started.result
  } catch (error) {
    if (connection.isOpen()) await killRemote(connection, started, run.sudo)
    throw error
  }
}

interface Started {
  channel: ClientChannel
  start: StartWatch
  result: Promise<CommandResult>
}

function startCommand(connection: SshConnection, run: CommandRun): Promise<Started> {
  const { command, signal } = run
  const line = typeof command === 'string' ? command : command.line
  return connection.exec(line, signal, (channel) => {
    // A command that ends without reading its input makes writing fail; its exit status says what there is to say.
    channel.on('error', () => {})
    const start = watchStart(channel, run)
    const result = followCommand(channel, start, run)
    // It may fail before anybody waits for it.
    result.catch(() => {})
    return { channel, start, result }
  })
}

async function followCommand(
  channel: ClientChannel,
  start: StartWatch,
  { outputBytesMax, signal }: CommandRun,
): Promise<CommandResult> {
  const [stdout, stderr] = [collectOutput(outputBytesMax), collectOutput(outputBytesMax)]
  const ended = await new Promise<{ code: number | null; name: string | null }>((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    let exit: { code: number | null; name: string | null } | undefined
    let silence: NodeJS.Timeout | undefined
    const isHeard = (bytes: number) => {
      silence?.refresh()
      if (bytes > discardedBytesMax) reject(wroteTooMuch())
    }
    start.onRefused(reject)
    channel.on('data', (chunk: Buffer) => isHeard(stdout.add(chunk)))
    channel.stderr.on('data', (chunk: Buffer) => isHeard(stderr.add(start.afterStart(chunk))))
    channel.on('exit', (code: number | null, name?: string) => {
      exit = { code, name: name ?? null }
      silence = setTimeout(() => channel.close(), silenceMsMax)
    })
    channel.on('close', () => {
      clearTimeout(silence)
      signal.removeEventListener('abort', stop)
      if (exit === undefined) reject(connectionLost())
      else resolve(exit)
    })
  })
  stderr.add(start.rest())
  start.assertStarted()
  return {
    ...{ stdout: stdout.bytes(), stdoutTruncated: stdout.isTruncated() },
    ...{ stderr: stderr.bytes(), stderrTruncated: stderr.isTruncated() },
    ...{ exitCode: ended.code, signal: ended.name },
  }
}

const wroteTooMuch = () =>
  new AppError('target_answer_too_large', 'The command wrote more than 64 MB and was stopped.')

/**
 * Closing the channel alone would leave the command running. The step waits for it a moment only; others use the connection
 * too, so a slow server is given more time before it counts as one that no longer answers, and is closed.
 */
async function killRemote(
  connection: SshConnection,
  started: Started,
  sudo: SudoAs | undefined,
): Promise<void> {
  connection.kill(started.channel)
  const killed = killStarted(connection, started, sudo).finally(() => started.channel.close())
  await Promise.race([killed, delay(killWaitMs, undefined, { ref: false })])
}

async function killStarted(
  connection: SshConnection,
  { start }: Started,
  sudo: SudoAs | undefined,
): Promise<void> {
  const group = start.group()
  const signal = AbortSignal.timeout(killMsMax)
  while (group !== undefined && connection.isOpen() && !signal.aborted)
    try {
      const killing = { command: killGroup(group, sudo), sudo, outputBytesMax: 1_000, signal }
      await (await startCommand(connection, killing)).result
      return
    } catch (error) {
      if (signal.aborted) connection.close()
      // Commands that are being killed make room for what kills the others.
      if (!(error instanceof AppError) || error.internal?.sessionsFull !== true) return
      await delay(killPauseMs)
    }
}
