import type { Json } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { fieldErrors } from '@opsconductor/service-kit'
import { z } from 'zod'
import type { StepTools } from '../step-types/define-step-type.ts'
import type { HttpRequest } from './exchange.ts'
import { runHttpStep } from './http-step.ts'
import { bodyBytes, HttpBodyStepInput, httpInputFields } from './http-step-input.ts'

const { headers, timeouts, tls, proxy, hmac, aws_service, aws_region } = httpInputFields

/** What step types that call a program over HTTP take beside what they ask it. */
export const callFields = {
  headers,
  timeouts,
  tls,
  proxy,
  hmac,
  aws_service,
  aws_region,
  body_bytes_max: z
    .number()
    .int()
    .min(1)
    .max(bodyBytes.max)
    .optional()
    .describe('What the answer may have: 1 MiB by default, at most 10 MiB.'),
}
type CallInput = z.infer<z.ZodObject<typeof callFields>>

interface Call {
  method: HttpRequest['method']
  url: string
  query?: Record<string, string | number | boolean>
  json?: z.infer<typeof Json>
}

/** Calls a program that answers JSON, or nothing, which is null. Throws `step_failed` where it answers something else. */
export async function callJson(
  { headers, timeouts, tls, proxy, hmac, aws_service, aws_region, body_bytes_max }: CallInput,
  { method, ...call }: Call,
  tools: StepTools,
): Promise<{ status: number; answer: z.infer<typeof Json> }> {
  const request = HttpBodyStepInput.safeParse({
    ...{ headers, timeouts, tls, proxy, hmac, aws_service, aws_region, body_bytes_max },
    ...call,
  })
  if (!request.success) {
    const faults = fieldErrors(request.error, 'request').map(({ path, message }) => `${path} ${message}`)
    throw new AppError('validation_failed', `The input makes no request: ${faults.join('; ').slice(0, 500)}`)
  }
  const { status, headers: answered, body } = await runHttpStep(method, request.data, tools)
  if (body !== null && !isJsonType.test(answered['content-type'] ?? ''))
    throw new AppError('step_failed', 'The target did not answer JSON.')
  return { status, answer: body }
}

const isJsonType = /^application\/(?:json|[\w.+-]+\+json)\s*(?:;|$)/i
