import { AppError } from '@opsconductor/errors'
import { sshCredentialTypes } from '@opsconductor/reach'
import { upload } from '@opsconductor/ssh'
import { z } from 'zod'
import { RemoteFile, sshPlaceFields } from '../ssh/ssh-step-fields.ts'
import { defineStepType, type StepTools } from './define-step-type.ts'

const contentFields = ['text', 'base64', 'artefact'] as const
const Input = z
  .object({
    ...sshPlaceFields,
    path: RemoteFile.describe(
      'Where the file is to stand; from the folder that the login begins in, unless it begins with /. Its folder must exist; no `..`. A symbolic link there is replaced, not followed.',
    ),
    text: z.string().max(1_048_576).optional().describe('The content as UTF-8 text.'),
    base64: z
      .string()
      .max(1_398_104)
      .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be Base64')
      .optional()
      .describe('The content in Base64.'),
    artefact: z.uuid().optional().describe('The id of an artefact of this run, whose content it is.'),
    mode: z
      .string()
      .regex(/^[0-7]{3,4}$/, 'must be octal, as 0644')
      .optional()
      .describe('Permissions in octal; those of the file that is replaced, or 0644, where it is left out.'),
    owner: z
      .object({
        uid: z.number().int().min(0).max(4_294_967_294).describe('User by number.'),
        gid: z.number().int().min(0).max(4_294_967_294).describe('Group by number.'),
      })
      .strict()
      .optional()
      .describe('Who the file belongs to; who logged in, where it is left out.'),
  })
  .strict()

export const sshUpload = defineStepType({
  type: 'ssh.upload',
  title: 'SSH upload',
  description:
    'Puts a file onto a server by SFTP. It is written beside its place, read back and compared, and then renamed: nobody ever sees half of it.',
  risk: 'medium',
  credentials: sshCredentialTypes,
  credentialRequired: true,
  takesVia: true,
  input: Input,
  output: z.object({
    path: z.string().describe('Where it stands.'),
    bytes: z.number().int().describe('Its size.'),
    sha256: z.string().describe('Its SHA-256 in hex, of what was read back.'),
    mode: z.string().describe('Its permissions in octal.'),
    replaced: z.boolean().describe('There was a file of this name before.'),
  }),
  retryable: true,
  timeoutSeconds: 120,
  examples: [
    {
      title: 'Write a settings file',
      credential: 'ssh',
      input: {
        host: 'web-1.example.com',
        path: 'settings.ini',
        text: 'mode = {{ input.mode }}\n',
        mode: '0640',
      },
    },
  ],
  check(input) {
    const given = contentFields.filter((field) => input[field] !== undefined)
    return given.length === 1
      ? []
      : [{ at: '', message: `must have exactly one of ${contentFields.join(', ')}` }]
  },
  async run(input, { ssh, artefacts, signal }) {
    const content = await contentOf(input, artefacts)
    const { bytes, sha256, mode, replaced } = await ssh(input, (connection) =>
      upload(connection, {
        ...{ path: input.path, content, owner: input.owner, signal },
        mode: input.mode === undefined ? undefined : Number.parseInt(input.mode, 8),
      }),
    )
    return { path: input.path, bytes, sha256, mode: mode.toString(8).padStart(4, '0'), replaced }
  },
})

async function contentOf(
  { text, base64, artefact }: z.infer<typeof Input>,
  artefacts: StepTools['artefacts'],
): Promise<Iterable<Uint8Array> | AsyncIterable<Uint8Array>> {
  if (text !== undefined) return [Buffer.from(text)]
  if (base64 !== undefined) return [Buffer.from(base64, 'base64')]
  if (artefact !== undefined) return (await artefacts.read(artefact)).content
  throw new AppError('validation_failed', `input must have exactly one of ${contentFields.join(', ')}.`)
}
