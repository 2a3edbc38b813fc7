import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import type { OutgoingBody } from './outgoing-body.ts'

const Text = z.string().max(1024 * 1024)
const PartName = z.string().min(1).max(200)

export const MultipartPart = z.union([
  z.object({ name: PartName, value: z.union([Text, z.number(), z.boolean()]) }).strict(),
  z
    .object({
      name: PartName,
      filename: z.string().min(1).max(255),
      content_type: z
        .string()
        .max(200)
        .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;\s*[\w.-]+=[\w.-]+)*$/, 'must be a media type')
        .default('application/octet-stream'),
      text: Text.optional(),
      base64: z
        .base64()
        .max(1.5 * 1024 * 1024)
        .optional(),
    })
    .strict()
    .refine(({ text, base64 }) => (text === undefined) !== (base64 === undefined), {
      message: 'must have either text or base64',
    }),
])

/** multipart/form-data as the platform's own FormData writes it, which escapes names and file names. */
export async function buildMultipart(parts: readonly z.infer<typeof MultipartPart>[]): Promise<OutgoingBody> {
  const form = new FormData()
  for (const part of parts)
    if ('value' in part) form.append(part.name, String(part.value))
    else {
      const content = part.text ?? Buffer.from(part.base64 ?? '', 'base64')
      form.append(part.name, new Blob([content], { type: part.content_type }), part.filename)
    }
  const written = new Response(form)
  const contentType = written.headers.get('content-type')
  if (contentType === null) throw new AppError('internal_error', 'A multipart body has no content type.')
  return { contentType, content: new Uint8Array(await written.arrayBuffer()) }
}
