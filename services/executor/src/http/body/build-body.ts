import { HeaderValue, Json } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { buildXml } from './build-xml.ts'
import { buildMultipart, MultipartPart } from './multipart.ts'
import type { OutgoingBody } from './outgoing-body.ts'

const charactersMax = 1024 * 1024
const Text = z.string().max(charactersMax)
const Scalar = z.union([Text, z.number(), z.boolean()])

export const bodyFields = {
  json: Json.optional().describe('Sent as JSON.'),
  xml: z
    .record(z.string(), Json)
    .optional()
    .describe(
      'Sent as XML: one root element; elements by name, lists for repeated ones, attributes with an @ before their names, text beside them as #text.',
    ),
  form: z
    .record(z.string().max(200), z.union([Scalar, z.array(Scalar).max(100)]))
    .optional()
    .describe('Sent as application/x-www-form-urlencoded.'),
  multipart: z
    .array(MultipartPart)
    .min(1)
    .max(100)
    .optional()
    .describe('Sent as multipart/form-data: fields, and files whose content stands here.'),
  text: Text.optional().describe('Sent as it is, as text/plain unless content_type says otherwise.'),
  base64: z
    .base64()
    .max(charactersMax * 1.5)
    .optional()
    .describe('Bytes, sent as application/octet-stream unless content_type says otherwise.'),
  content_type: HeaderValue.max(200).optional().describe('Of the body; each kind has one of its own.'),
}
export type BodyInput = z.infer<z.ZodObject<typeof bodyFields>>

const kinds = ['json', 'xml', 'form', 'multipart', 'text', 'base64'] as const

/** The kinds of body that the input gives; there may be one. Sees templates as they are written. */
export const bodiesGiven = (input: Readonly<Record<string, unknown>>): string[] =>
  kinds.filter((kind) => input[kind] !== undefined)

export async function buildBody(input: BodyInput): Promise<OutgoingBody | undefined> {
  const built = await buildOne(input)
  return built && { ...built, contentType: input.content_type ?? built.contentType }
}

async function buildOne(input: BodyInput): Promise<OutgoingBody | undefined> {
  const { json, xml, form, multipart, text, base64 } = input
  if (json !== undefined) return { contentType: 'application/json', content: JSON.stringify(json) }
  if (xml !== undefined) return { contentType: 'application/xml; charset=utf-8', content: buildXml(xml) }
  if (form !== undefined)
    return { contentType: 'application/x-www-form-urlencoded', content: buildForm(form) }
  if (multipart !== undefined) {
    // Its own content type names the boundary.
    if (input.content_type !== undefined)
      throw new AppError('validation_failed', 'input.content_type must not be given with multipart.')
    return buildMultipart(multipart)
  }
  if (base64 !== undefined)
    return { contentType: 'application/octet-stream', content: Buffer.from(base64, 'base64') }
  return text === undefined ? undefined : { contentType: 'text/plain; charset=utf-8', content: text }
}

function buildForm(form: NonNullable<BodyInput['form']>): string {
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(form))
    for (const one of Array.isArray(value) ? value : [value]) fields.append(name, String(one))
  return fields.toString()
}
