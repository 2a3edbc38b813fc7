import { HostName } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { HeldCredential } from '@opsconductor/reach'
import type { CommandResult, SudoAs } from '@opsconductor/ssh'
import { z } from 'zod'

/** What every SSH step type takes. */
export const sshPlaceFields = {
  host: HostName.describe(
    'Name or address of the SSH server; behind bastions as the last of them resolves it.',
  ),
  port: z.number().int().min(1).max(65_535).default(22).describe('Port of the SSH server.'),
}

const noNul = /^[^\0]*$/
const controlCharacter = /\p{Cc}/u

export const Word = z.string().max(100_000).regex(noNul, 'must not contain NUL')

/** Folders and files on the server. `..` is for nobody: a path that a template ends could leave the folder it begins with. */
export const RemotePath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => !controlCharacter.test(path), 'must not contain control characters')
  .refine((path) => !path.split('/').includes('..'), 'must not contain ..')

/** A file, not a folder. */
export const RemoteFile = RemotePath.refine(
  (path) => !path.endsWith('/') && !/(^|\/)\.$/.test(path),
  'must name a file',
)

/** What steps that run something on the server take. */
export const commandFields = {
  args: z
    .array(Word)
    .max(1_000)
    .default([])
    .describe('Arguments; each is one word for the shell, whatever stands in it. Here templates belong.'),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'must be a name of letters, digits and _'),
      Word,
    )
    .default({})
    .describe('Environment variables. Others on the server may see them; secrets belong into stdin.'),
  folder: RemotePath.optional().describe('The folder it runs in; by default the one the login begins in.'),
  sudo: z
    .union([
      z.boolean(),
      z
        .object({
          user: z
            .string()
            .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/, 'must be a user name')
            .describe('The user to run as.'),
        })
        .strict(),
    ])
    .default(false)
    .describe(
      'Runs it by sudo, as root or another user. sudo is given the password of the credential if it asks.',
    ),
  expect_exit_codes: z
    .array(z.number().int().min(0).max(255))
    .min(1)
    .max(256)
    .default([0])
    .describe('Exit codes that are no failure of the step.'),
  output_bytes_max: z
    .number()
    .int()
    .min(1)
    .max(1_048_576)
    .default(65_536)
    .describe('How much of stdout, and of stderr, is kept. The rest is thrown away and said to be.'),
}

export const CommandOutput = z.object({
  stdout: z.string().describe('Standard output as UTF-8.'),
  stderr: z.string().describe('Standard error as UTF-8.'),
  stdout_truncated: z.boolean().describe('There was more on stdout than is kept.'),
  stderr_truncated: z.boolean().describe('There was more on stderr than is kept.'),
  exit_code: z.number().int().nullable().describe('Null where a signal ended it.'),
  signal: z.string().nullable().describe('The signal that ended it, as SIGKILL.'),
})

/** As whom it runs; undefined as who logged in. */
export function sudoOf(
  sudo: boolean | { user: string },
  credential: HeldCredential | undefined,
): SudoAs | undefined {
  if (sudo === false) return undefined
  return { user: sudo === true ? undefined : sudo.user, password: credential?.secret.password?.reveal() }
}

/** The result as a step's output; throws `step_failed` where it ended in a way that was not expected. */
export function toCommandOutput(
  result: CommandResult,
  expected: readonly number[],
): z.infer<typeof CommandOutput> {
  const stderr = result.stderr.toString('utf8')
  if (result.exitCode === null || !expected.includes(result.exitCode)) {
    const how =
      result.exitCode === null
        ? `was ended by ${result.signal ?? 'a signal'}`
        : `ended with exit code ${result.exitCode}`
    throw new AppError('step_failed', `The command ${how}${lastLineOf(stderr)}`)
  }
  return {
    ...{ stdout: result.stdout.toString('utf8'), stdout_truncated: result.stdoutTruncated },
    ...{ stderr, stderr_truncated: result.stderrTruncated },
    ...{ exit_code: result.exitCode, signal: null },
  }
}

function lastLineOf(stderr: string): string {
  const line =
    stderr
      .trim()
      .split('\n')
      .at(-1)
      ?.replaceAll(/\p{Cc}+/gu, ' ')
      .trim() ?? ''
  return line === '' ? '.' : `: ${line.slice(0, 300)}`
}

/** A command line takes no templates: what they bring could run other commands. */
export const refuseTemplates = (field: string, value: unknown) =>
  typeof value === 'string' && value.includes('{{')
    ? [
        {
          at: `.${field}`,
          message: 'must not hold templates, which could run other commands: give the values in args',
        },
      ]
    : []
