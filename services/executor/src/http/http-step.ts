import { Json, TargetUrl } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import type { StepCredential, StepTools } from '../step-types/define-step-type.ts'
import type { HttpAnswer, HttpRequest } from './exchange.ts'

/** Headers that belong to the connection or to us; a job that could set them could smuggle or impersonate. */
const ownHeaders = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'keep-alive',
  'te',
  'trailer',
  'expect',
  'proxy-authorization',
  'proxy-connection',
  'accept-encoding',
])

const HeaderName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'must be a header name')
  .refine((name) => !ownHeaders.has(name.toLowerCase()), 'must not be a header that the connection owns')
const HeaderValue = z
  .string()
  .max(8_000)
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'must not hold control characters or characters beyond Latin-1')

const Scalar = z.union([z.string().max(8_000), z.number(), z.boolean()])

/** What every http step type takes. */
export const httpInputFields = {
  url: TargetUrl,
  query: z.record(z.string().max(200), z.union([Scalar, z.array(Scalar).max(100)])).default({}),
  headers: z.record(HeaderName, HeaderValue).default({}),
  /** Statuses that are no failure; without it every 2xx. */
  expect_status: z.array(z.number().int().min(100).max(599)).min(1).max(50).optional(),
  body_bytes_max: z
    .number()
    .int()
    .min(1)
    .max(10 * 1024 * 1024)
    .default(1024 * 1024),
}
export const HttpStepInput = z.object(httpInputFields)

export const HttpStepOutput = z.object({
  status: z.number().int(),
  headers: z.record(z.string(), z.string()),
  body: Json,
})

/** The types that the broker applies to requests; others are refused when the job is saved. */
export const httpCredentialTypes = ['http_basic', 'bearer_token', 'api_key']

export interface OutgoingBody {
  contentType: string
  text: string
}

/** Sends the step's request and holds its answer against what the step expects. */
export async function runHttpStep(
  method: 'GET' | 'POST',
  input: z.infer<typeof HttpStepInput>,
  tools: StepTools,
  extra: SendExtra = {},
): Promise<z.infer<typeof HttpStepOutput>> {
  const answer = await sendHttpStep(method, input, tools, extra)
  assertExpected(answer, input.expect_status)
  return answer as z.infer<typeof HttpStepOutput>
}

interface SendExtra {
  headers?: Record<string, string>
  body?: OutgoingBody | undefined
  ignoresBody?: boolean
}

/** Sends the request with the credential applied; every status is an answer. */
export async function sendHttpStep(
  method: HttpRequest['method'],
  input: z.infer<typeof HttpStepInput>,
  tools: StepTools,
  extra: SendExtra = {},
): Promise<HttpAnswer> {
  const url = new URL(input.url)
  url.hash = ''
  for (const [name, value] of Object.entries(input.query))
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
  const headers = new Map<string, string>(Object.entries({ accept: 'application/json, */*;q=0.5' }))
  const set = (name: string, value: string) => headers.set(name.toLowerCase(), value)
  for (const [name, value] of Object.entries(extra.headers ?? {})) set(name, value)
  if (extra.body !== undefined) set('content-type', extra.body.contentType)
  for (const [name, value] of Object.entries(input.headers)) set(name, value)
  if (tools.credential !== undefined) authenticate(tools.credential, url, set)
  headers.set('accept-encoding', 'identity')
  return tools.http({
    method,
    url,
    headers: Object.fromEntries(headers),
    body: extra.body?.text,
    bodyBytesMax: input.body_bytes_max,
    ...(extra.ignoresBody ? { ignoresBody: true } : {}),
  })
}

/** Whatever its type: the broker says what a credential adds. */
function authenticate(
  { type, http }: StepCredential,
  url: URL,
  set: (name: string, value: string) => void,
): void {
  if (http === null)
    throw new AppError('step_failed', `A credential of type ${type} cannot be applied to an HTTP request.`)
  for (const [name, value] of Object.entries(http.headers)) {
    if (ownHeaders.has(name.toLowerCase()) || name.toLowerCase() === 'content-type')
      throw new AppError('step_failed', 'The credential sets a header that frames the request.')
    set(name, value.reveal())
  }
  for (const [name, value] of Object.entries(http.query)) url.searchParams.set(name, value.reveal())
}

/** Throws where the status is not expected; without an expectation every 2xx is. */
export function assertExpected({ status }: HttpAnswer, expected: number[] | undefined): void {
  if (expected === undefined ? status >= 200 && status < 300 : expected.includes(status)) return
  if (status === 429 || status >= 500) throw new AppError('target_failed', `The target answered ${status}.`)
  throw new AppError('target_refused', `The target answered ${status}.`)
}
