import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { StepTools } from '../step-types/define-step-type.ts'
import { assertExpectations, isExpected } from './answer/expectations.ts'
import { extract } from './answer/extract.ts'
import { authenticate } from './auth/authenticate.ts'
import { type BodyInput, buildBody } from './body/build-body.ts'
import type { OutgoingBody } from './body/outgoing-body.ts'
import type { HttpAnswer, HttpRequest } from './exchange.ts'
import {
  bodyBytes,
  type HttpStepInput,
  type HttpStepOutput,
  inputFaults,
  isIdempotent,
} from './http-step-input.ts'
import { isRedirect, redirected } from './redirect.ts'
import { sendWithRetry } from './retry.ts'

type Input = z.infer<typeof HttpStepInput>

/** Sends the step's request and holds its answer against what the step expects. */
export async function runHttpStep(
  method: HttpRequest['method'],
  input: Input & BodyInput,
  tools: StepTools,
): Promise<z.infer<typeof HttpStepOutput>> {
  const [fault] = inputFaults(method, input)
  if (fault !== undefined) throw new AppError('validation_failed', `input${fault.at} ${fault.message}.`)
  const answer = await sendHttpStep(method, input, tools, {
    headers: isIdempotent(method) ? {} : { 'idempotency-key': tools.idempotencyKey },
    body: await buildBody(input),
  })
  assertExpectations(answer, input)
  const { status, headers, body, kept } = answer as z.infer<typeof HttpStepOutput> & { kept?: unknown }
  return {
    status,
    headers,
    body,
    ...(input.extract && { extracted: extract(input.extract, body) }),
    ...(kept === undefined ? {} : { artefact: kept as z.infer<typeof HttpStepOutput>['artefact'] }),
    ...(answer.isUnverified && { tls_unverified: true as const }),
  }
}

interface SendExtra {
  headers?: Record<string, string>
  body?: OutgoingBody | undefined
  ignoresBody?: boolean
}

/** Sends the request with the credential applied; every status is an answer. */
export async function sendHttpStep(
  method: HttpRequest['method'],
  input: Input,
  tools: StepTools,
  extra: SendExtra = {},
): Promise<HttpAnswer> {
  const request = prepareRequest(method, input, tools, extra)
  return sendWithRetry(() => follow(request, input, tools), {
    retry: input.retry,
    isExpected: (status) => isExpected(status, input.expect_status),
    deadline: performance.now() + tools.timeoutMs,
    signal: tools.signal,
  })
}

async function follow(first: HttpRequest, input: Input, tools: StepTools): Promise<HttpAnswer> {
  let request = first
  let isUnverified = false
  for (let redirects = 0; ; redirects++) {
    const answer = await sendAuthenticated(request, input, tools)
    isUnverified ||= answer.isUnverified ?? false
    const isWanted = !isRedirect(answer.status) || isExpected(answer.status, input.expect_status)
    if (isWanted || input.redirects_max === 0) return { ...answer, ...(isUnverified && { isUnverified }) }
    if (redirects >= input.redirects_max)
      throw new AppError('target_refused', `The target redirected more than ${input.redirects_max} times.`)
    request = redirected(request, answer)
  }
}

/** A token that the target does not take (any more) is asked for anew, once. */
async function sendAuthenticated(request: HttpRequest, input: Input, tools: StepTools): Promise<HttpAnswer> {
  const first = await authenticate(request, input, tools)
  const answer = await tools.http(first.request)
  if (answer.status !== 401 || first.forget === undefined) return answer
  first.forget()
  return tools.http((await authenticate(request, input, tools)).request)
}

function prepareRequest(
  method: HttpRequest['method'],
  input: Input,
  tools: StepTools,
  extra: SendExtra,
): HttpRequest {
  const { tls, timeouts } = input
  const url = new URL(input.url)
  url.hash = ''
  for (const [name, value] of Object.entries(input.query))
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
  if (
    url.protocol === 'https:' &&
    tls?.min_version === '1.2' &&
    tools.reach.tlsVersionMin(url.hostname) !== 'TLSv1.2'
  )
    throw new AppError(
      'outbound_denied',
      "The project's outbound policy has no exception for TLS 1.2 with this host (tls12_hosts).",
    )
  return {
    method,
    url,
    headers: headersOf(input, extra),
    body: extra.body?.content,
    bodyBytesMax:
      input.body_bytes_max ?? (input.save_as === undefined ? bodyBytes.default : bodyBytes.savedMax),
    ignoresBody: extra.ignoresBody ?? false,
    asBase64: input.answer_as === 'base64',
    timeouts: { headersMs: timeouts?.headers_ms, bodyMs: timeouts?.body_ms },
    connection: {
      proxy: input.proxy === undefined ? undefined : new URL(input.proxy),
      connectMs: timeouts?.connect_ms,
      verify: tls?.verify,
      isTls13Only: tls?.min_version === '1.3',
    },
    wants: (status) => isExpected(status, input.expect_status),
    ...(input.save_as !== undefined && { keep: keepAs(input.save_as, tools) }),
  }
}

function headersOf(input: Input, extra: SendExtra): Record<string, string> {
  const given = {
    accept: 'application/json, */*;q=0.5',
    'user-agent': 'OpsConductor',
    ...extra.headers,
    ...(extra.body && { 'content-type': extra.body.contentType }),
  }
  const set = Object.entries(input.headers).map(([name, value]) => [name.toLowerCase(), value])
  return { ...given, ...Object.fromEntries(set), 'accept-encoding': 'identity' }
}

const keepAs =
  (name: string, tools: StepTools): NonNullable<HttpRequest['keep']> =>
  (content, contentType) =>
    tools.artefacts.write({ name, contentType, content })
