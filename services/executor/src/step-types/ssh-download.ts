import { Json } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { sshCredentialTypes } from '@opsconductor/reach'
import { download } from '@opsconductor/ssh'
import { z } from 'zod'
import { RemoteFile, sshPlaceFields } from '../ssh/ssh-step-fields.ts'
import { defineStepType } from './define-step-type.ts'

const inResultBytesMax = 10 * 1024 * 1024
const artefactBytesMax = 100 * 1024 * 1024

export const sshDownload = defineStepType({
  type: 'ssh.download',
  title: 'SSH download',
  description: 'Reads a file of a server by SFTP, into the result or into an artefact of the run.',
  risk: 'low',
  credentials: sshCredentialTypes,
  credentialRequired: true,
  takesVia: true,
  input: z
    .object({
      ...sshPlaceFields,
      path: RemoteFile.describe(
        'The file; from the folder that the login begins in, unless it begins with /. No `..`. Symbolic links are followed; devices and pipes are refused.',
      ),
      encoding: z
        .enum(['text', 'base64'])
        .default('text')
        .describe('How the content stands in the result. Text must be UTF-8.'),
      save_as: z
        .string()
        .min(1)
        .max(255)
        .optional()
        .describe('The name of an artefact that the content goes into, instead of the result.'),
      bytes_max: z
        .number()
        .int()
        .min(1)
        .max(artefactBytesMax)
        .optional()
        .describe('A larger file is an error: by default more than 10 MB, with save_as more than 100 MB.'),
    })
    .strict(),
  output: z.object({
    bytes: z.number().int().describe('Its size.'),
    sha256: z.string().describe('SHA-256 in hex of the file as the server has it.'),
    mode: z.string().describe('Its permissions in octal.'),
    modified_at: z.string().describe('When it was changed last.'),
    text: z.string().optional().describe('The content, where encoding is text.'),
    base64: z.string().optional().describe('The content, where encoding is base64.'),
    artefact: z
      .record(z.string(), Json)
      .optional()
      .describe('The artefact with its id, name, bytes and sha256, where save_as is given.'),
  }),
  retryable: true,
  timeoutSeconds: 120,
  examples: [
    {
      title: 'Read a settings file',
      credential: 'ssh',
      input: { host: 'web-1.example.com', path: '/etc/hostname' },
    },
  ],
  async run({ path, encoding, save_as: name, bytes_max, ...place }, { ssh, artefacts, signal }) {
    const bytesMax = bytes_max ?? (name === undefined ? inResultBytesMax : artefactBytesMax)
    const { taken, bytes, sha256, mode, modifiedAt } = await ssh(place, (connection) =>
      download(connection, { path, bytesMax, signal }, async (content) =>
        name === undefined
          ? decode(await collect(content), encoding)
          : {
              artefact: {
                ...(await artefacts.write({ name, contentType: 'application/octet-stream', content })),
              },
            },
      ),
    )
    return {
      ...{ bytes, sha256, mode: mode.toString(8).padStart(4, '0'), modified_at: modifiedAt.toISOString() },
      ...taken,
    }
  },
})

async function collect(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const blocks: Buffer[] = []
  for await (const block of content) blocks.push(block)
  return Buffer.concat(blocks)
}

function decode(content: Buffer, encoding: 'text' | 'base64') {
  if (encoding === 'base64') return { base64: content.toString('base64') }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content) }
  } catch {
    throw new AppError('step_failed', 'The file is no UTF-8 text: set encoding to base64, or save_as.')
  }
}
