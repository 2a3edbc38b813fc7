import type { RemoteCommand, SudoAs } from './remote-command.ts'

export interface CommandRun {
  /** A line for the login shell as it is, or one that says when it begins and can be killed with all that it started. */
  command: string | RemoteCommand
  sudo?: SudoAs | undefined
  stdin?: string | Uint8Array | undefined
  /** Of stdout, and of stderr; what comes beyond is read and thrown away. */
  outputBytesMax: number
  signal: AbortSignal
}

export interface CommandResult {
  stdout: Buffer
  stderr: Buffer
  stdoutTruncated: boolean
  stderrTruncated: boolean
  /** Null where a signal ended it. */
  exitCode: number | null
  /** As `SIGKILL`. */
  signal: string | null
}
