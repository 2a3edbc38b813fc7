import { AppError } from '@opsconductor/errors'
import { sshCredentialTypes } from '@opsconductor/reach'
import { quoteWord, remoteCommand, runCommand } from '@opsconductor/ssh'
import { z } from 'zod'
import {
  CommandOutput,
  commandFields,
  refuseTemplates,
  sshPlaceFields,
  sudoOf,
  toCommandOutput,
} from '../ssh/ssh-step-fields.ts'
import { defineStepType } from './define-step-type.ts'

/** Words that mean themselves to anything that reads a command line. */
const plainWord = /^[A-Za-z0-9_./:=@%+,-]+$/

export const sshExec = defineStepType({
  type: 'ssh.exec',
  title: 'SSH command',
  description:
    'Runs a command on a server and answers its output and exit code. When the step ends early, the command is killed with all that it started.',
  risk: 'high',
  credentials: sshCredentialTypes,
  credentialRequired: true,
  takesVia: true,
  input: z
    .object({
      ...sshPlaceFields,
      command: z
        .string()
        .min(1)
        .max(100_000)
        .regex(/^[^\0]*$/, 'must not contain NUL')
        .describe('A line for the shell, without templates. The args come behind it, each as one word.'),
      ...commandFields,
      stdin: z
        .string()
        .max(1_048_576)
        .optional()
        .describe('What the command reads; nothing where it is left out.'),
      shell: z
        .enum(['posix', 'none'])
        .default('posix')
        .describe('`none` for appliances whose command line is no POSIX shell: the line goes out as it is.'),
    })
    .strict(),
  output: CommandOutput,
  retryable: false,
  timeoutSeconds: 60,
  examples: [
    {
      title: 'Is a service running?',
      credential: 'ssh',
      input: {
        host: 'web-1.example.com',
        command: 'systemctl is-active',
        args: ['{{ input.service }}'],
        expect_exit_codes: [0, 3],
      },
    },
    {
      title: 'As root',
      credential: 'ssh',
      input: { host: 'web-1.example.com', command: 'id -un', sudo: true },
    },
  ],
  check: ({ command, shell, env, folder, sudo }) => [
    ...refuseTemplates('command', command),
    ...(shell === 'none' && needsShell({ env, folder, sudo }) ? [{ at: '.shell', message: noneAlone }] : []),
  ],
  async run(input, { credential, ssh, signal }) {
    // A template may have said `none`.
    if (input.shell === 'none' && needsShell(input))
      throw new AppError('validation_failed', `input.shell ${noneAlone}.`)
    const sudo = sudoOf(input.sudo, credential)
    const line = [input.command, ...input.args.map(quoteWord)].join(' ')
    const command =
      input.shell === 'none'
        ? plainLine(input.command, input.args)
        : remoteCommand(['sh', '-c', line], { env: input.env, folder: input.folder, sudo })
    const result = await ssh(input, (connection) =>
      runCommand(connection, {
        ...{ command, sudo, stdin: input.stdin, signal },
        outputBytesMax: input.output_bytes_max,
      }),
    )
    return toCommandOutput(result, input.expect_exit_codes)
  },
})

const noneAlone = 'can be none only without env, folder and sudo'

const needsShell = ({ env, folder, sudo = false }: { env?: unknown; folder?: unknown; sudo?: unknown }) =>
  Object.keys(Object(env)).length > 0 || folder !== undefined || sudo !== false

function plainLine(command: string, args: readonly string[]): string {
  if (args.every((word) => plainWord.test(word))) return [command, ...args].join(' ')
  throw new AppError(
    'validation_failed',
    'input.args must be plain words where input.shell is none: nobody knows how to quote them there.',
  )
}
