import { AppError } from '@opsconductor/errors'
import type { ClientChannel } from 'ssh2'
import type { CommandRun } from './command-run.ts'

/** What sudo and the login shell may say before the command begins. */
const beforeStartBytesMax = 64 * 1024

/**
 * Reads what stderr says before the command begins: sudo's question, which is answered once and only if it is asked, so
 * that the command never finds the password in its input; and the mark with the process group. The command's own input
 * is sent when it has begun, where sudo might read it otherwise.
 */
export function watchStart(channel: ClientChannel, { command, sudo, stdin }: CommandRun) {
  let before = Buffer.alloc(0)
  let hasStarted = typeof command === 'string'
  let isAnswered = false
  let group: number | undefined
  let refuse = (_: AppError) => {}
  const sendInput = () => channel.end(stdin ?? '')
  if (sudo === undefined) sendInput()

  function answer(passwordMark: string, startMark: string): void {
    const at = before.indexOf(passwordMark)
    const startAt = before.indexOf(startMark)
    // What follows the start is the command's, which may have read the mark in sudo's arguments.
    if (at === -1 || (startAt !== -1 && startAt < at)) return
    before = Buffer.concat([before.subarray(0, at), before.subarray(at + passwordMark.length)])
    if (isAnswered || sudo?.password === undefined) {
      refuse(sudoRefused())
      return
    }
    isAnswered = true
    channel.write(`${sudo.password}\n`)
  }

  return {
    /** What of a chunk is the command's own. */
    afterStart(chunk: Buffer): Buffer {
      if (hasStarted || typeof command === 'string') return chunk
      before = Buffer.concat([before, chunk])
      answer(command.passwordMark, command.startMark)
      const at = before.indexOf(command.startMark)
      const end = at === -1 ? -1 : before.indexOf('\n', at)
      if (end === -1) {
        if (before.length > beforeStartBytesMax) {
          refuse(new AppError('target_refused', 'The login shell writes too much before the command begins.'))
          before = Buffer.alloc(0)
        }
        return Buffer.alloc(0)
      }
      hasStarted = true
      group = Number(before.subarray(at + command.startMark.length, end)) || undefined
      if (sudo !== undefined) sendInput()
      const own = Buffer.concat([before.subarray(0, at), before.subarray(end + 1)])
      before = Buffer.alloc(0)
      return own
    },
    /** What was said by a command that never began. */
    rest: (): Buffer => before,
    group: () => group,
    onRefused(listener: (error: AppError) => void) {
      refuse = listener
    },
    assertStarted() {
      if (hasStarted) return
      throw sudo === undefined
        ? new AppError(
            'step_failed',
            'The command could not be started: the login shell is not a POSIX shell, or it ended first.',
          )
        : sudoRefused()
    },
  }
}

export type StartWatch = ReturnType<typeof watchStart>

const sudoRefused = () =>
  new AppError('step_failed', 'sudo did not let the command run: wrong or missing password, or not allowed.')
