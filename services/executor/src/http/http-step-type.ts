import { type JsonSchemaDocument, schemaFault } from '@opsconductor/json-schema'
import type { z } from 'zod'
import { type AnyStepType, defineStepType } from '../step-types/define-step-type.ts'
import { httpCredentialTypes } from './auth/authenticate.ts'
import { runHttpStep } from './http-step.ts'
import {
  HttpBodyStepInput,
  HttpStepInput,
  HttpStepOutput,
  inputFaults,
  isIdempotent,
} from './http-step-input.ts'

interface HttpStepTypeOf {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  description: string
  risk: 'low' | 'medium' | 'high'
  examples: readonly {
    title: string
    input: z.input<typeof HttpBodyStepInput>
    credential?: string
  }[]
}

/** What the http step types have in common, which is all but their words. */
export function httpStepType({ method, ...of }: HttpStepTypeOf): AnyStepType {
  const input = (method === 'GET' ? HttpStepInput : HttpBodyStepInput).strict()
  return defineStepType({
    ...of,
    type: `http.${method.toLowerCase()}`,
    title: `HTTP ${method}`,
    credentials: httpCredentialTypes,
    takesClientCertificate: true,
    takesVia: true,
    input: input as typeof HttpStepInput,
    output: HttpStepOutput,
    urlFields: ['url'],
    retryable: isIdempotent(method),
    timeoutSeconds: 30,
    check: (given) => [...inputFaults(method, given), ...schemaFaults(given)],
    run: (given, tools) => runHttpStep(method, given, tools),
  })
}

/** Costs too much to be looked at in every run. */
function schemaFaults({ expect_schema: schema }: Readonly<Record<string, unknown>>) {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return []
  const message = schemaFault(schema as JsonSchemaDocument)
  return message === undefined ? [] : [{ at: '.expect_schema', message }]
}
