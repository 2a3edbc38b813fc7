import { sshCredentialTypes } from '@opsconductor/reach'
import { remoteCommand, runCommand } from '@opsconductor/ssh'
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

/** How each reads its program from stdin, with arguments behind. */
const interpreters = {
  sh: ['sh', '-s', '--'],
  bash: ['bash', '-s', '--'],
  dash: ['dash', '-s', '--'],
  ksh: ['ksh', '-s', '--'],
  zsh: ['zsh', '-s', '--'],
  python3: ['python3', '-'],
  perl: ['perl', '-'],
  ruby: ['ruby', '-'],
  node: ['node', '-'],
} as const

export const sshScript = defineStepType({
  type: 'ssh.script',
  title: 'SSH script',
  description:
    'Runs a script on a server: its text goes to the interpreter by stdin and is never a file there. Values come in as args.',
  risk: 'high',
  credentials: sshCredentialTypes,
  credentialRequired: true,
  takesVia: true,
  input: z
    .object({
      ...sshPlaceFields,
      script: z
        .string()
        .min(1)
        .max(1_048_576)
        .regex(/^[^\0]*$/, 'must not contain NUL')
        .describe(
          'The text of the script, without templates. It finds the args as $1, $2, … (or as its language has them).',
        ),
      interpreter: z
        .enum(Object.keys(interpreters) as [keyof typeof interpreters])
        .default('sh')
        .describe('What runs the script.'),
      ...commandFields,
    })
    .strict(),
  output: CommandOutput,
  retryable: false,
  timeoutSeconds: 300,
  examples: [
    {
      title: 'Free space of a folder',
      credential: 'ssh',
      input: {
        host: 'web-1.example.com',
        script: 'set -eu\ndf -P "$1" | tail -n 1',
        args: ['{{ input.folder }}'],
      },
    },
  ],
  check: ({ script }) => refuseTemplates('script', script),
  async run(input, { credential, ssh, signal }) {
    const sudo = sudoOf(input.sudo, credential)
    const argv = [...interpreters[input.interpreter], ...input.args]
    const command = remoteCommand(argv, { env: input.env, folder: input.folder, sudo })
    const result = await ssh(input, (connection) =>
      runCommand(connection, {
        // A shell that reads a line without an end runs it all the same, but not every one does.
        ...{ command, sudo, stdin: `${input.script}\n`, signal },
        outputBytesMax: input.output_bytes_max,
      }),
    )
    return toCommandOutput(result, input.expect_exit_codes)
  },
})
