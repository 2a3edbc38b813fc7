import { HeaderValue, Json, SettableHeaderName, TargetUrl } from '@opsconductor/contracts'
import { z } from 'zod'
import { expectationFields } from './answer/expectations.ts'
import { Extract } from './answer/extract.ts'
import { awsFields } from './auth/aws.ts'
import { Hmac } from './auth/hmac.ts'
import { bodiesGiven, bodyFields } from './body/build-body.ts'
import { Retry } from './retry.ts'

const Scalar = z.union([z.string().max(8_000), z.number(), z.boolean()])
const Milliseconds = z.number().int().min(1).max(3_600_000)

const megabyte = 1024 * 1024
/** What an answer in the result may have, and one that goes into an artefact. */
export const bodyBytes = { default: megabyte, max: 10 * megabyte, savedMax: 100 * megabyte }

/** What every http step type takes. */
export const httpInputFields = {
  url: TargetUrl.describe('http or https. Variables in it are percent-encoded, unless written {{{ … }}}.'),
  query: z
    .record(z.string().max(200), z.union([Scalar, z.array(Scalar).max(100)]))
    .default({})
    .describe('Added to what the URL has.'),
  headers: z
    .record(SettableHeaderName, HeaderValue)
    .default({})
    .describe('All but those that belong to the connection.'),
  ...expectationFields,
  extract: Extract.optional().describe(
    'Names for values of the body, by JSONPath, which the result holds as extracted.',
  ),
  answer_as: z
    .enum(['auto', 'base64'])
    .default('auto')
    .describe('auto: JSON and XML as their values, anything else as text. base64: the bytes.'),
  save_as: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The body goes into an artefact of the run with this name, instead of into the result.'),
  body_bytes_max: z
    .number()
    .int()
    .min(1)
    .max(bodyBytes.savedMax)
    .optional()
    .describe(
      'What the answer may have: 1 MiB by default, at most 10 MiB, and 100 MiB for both with save_as.',
    ),
  timeouts: z
    .object({
      connect_ms: Milliseconds.max(10_000)
        .optional()
        .describe('Until the connection, with TLS, is made; 10 s by default.'),
      headers_ms: Milliseconds.optional().describe("Until the answer's headers are there."),
      body_ms: Milliseconds.optional().describe('From then until the whole body is there.'),
    })
    .strict()
    .optional()
    .describe("Within the step's own timeout."),
  retry: Retry.optional(),
  redirects_max: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe(
      'How many redirects are followed. At another origin the request carries no credential of any kind.',
    ),
  tls: z
    .object({
      min_version: z
        .enum(['1.2', '1.3'])
        .optional()
        .describe(
          '1.2 only for hosts that the outbound policy has an exception for; 1.3 also where it has one.',
        ),
      verify: z
        .boolean()
        .default(true)
        .describe('false takes any certificate, and marks result and record with tls_unverified.'),
    })
    .strict()
    .optional()
    .describe('How the target must be secured; TLS 1.3 with a certificate that is trusted by default.'),
  proxy: TargetUrl.refine(
    (text) => URL.canParse(text) && new URL(text).protocol === 'http:',
    'must be an http URL',
  )
    .optional()
    .describe('An HTTP proxy that is asked for a tunnel (CONNECT) to the address of the target.'),
  hmac: Hmac.optional().describe('How a credential of type webhook_secret or custom signs the request.'),
  ...awsFields,
}
export const HttpStepInput = z.object(httpInputFields)
export const HttpBodyStepInput = z.object({ ...httpInputFields, ...bodyFields })

export const HttpStepOutput = z.object({
  status: z.number().int().describe('The status of the answer.'),
  headers: z.record(z.string(), z.string()).describe('By lower-case names.'),
  body: Json.describe('As `answer_as` says; null where there is none, or it became an artefact.'),
  extracted: z.record(z.string(), Json).optional().describe('What `extract` asked for, by its names.'),
  artefact: z
    .object({
      id: z.string().describe('What later steps read it by.'),
      name: z.string().describe('As `save_as` said.'),
      content_type: z.string().describe('As the target said.'),
      bytes: z.number().int().describe('Its size.'),
      sha256: z.string().describe('Of what is stored, in hex.'),
      redacted: z.boolean().describe('Whether a secret stood in it and was taken out.'),
    })
    .optional()
    .describe('Where the body went, with `save_as`.'),
  tls_unverified: z.literal(true).optional().describe('Nobody knows who answered.'),
})

/** What the schema cannot say. Sees templates as they are written, and what they rendered to. */
export function inputFaults(
  method: string,
  input: Readonly<Record<string, unknown>>,
): { at: string; message: string }[] {
  const faults: { at: string; message: string }[] = []
  const fault = (at: string, message: string) => faults.push({ at, message })
  const bodies = bodiesGiven(input)
  if (bodies.length > 1) fault('', `must have only one of ${bodies.join(', ')}`)
  if (bodies.includes('multipart') && input.content_type !== undefined)
    fault('.content_type', 'must not be given with multipart, whose own names its boundary')
  const retry = input.retry as { unsafe?: unknown } | undefined
  if (retry !== undefined && !isIdempotent(method) && (retry.unsafe ?? false) === false)
    fault('.retry', `must have unsafe: true, because ${method} may do something again each time`)
  const readers = ['expect', 'expect_schema', 'extract'].filter((name) => input[name] !== undefined)
  if (input.save_as !== undefined && readers.length > 0)
    fault(`.${readers[0]}`, 'cannot be used with save_as, which keeps the body out of the step')
  if (input.save_as === undefined && Number(input.body_bytes_max) > bodyBytes.max)
    fault('.body_bytes_max', `must be at most ${bodyBytes.max} without save_as`)
  return faults
}

/** RFC 9110 section 9.2.2, for the methods that steps have. */
export const isIdempotent = (method: string): boolean => method !== 'POST' && method !== 'PATCH'
