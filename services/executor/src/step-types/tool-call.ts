import { Json, JsonSchema, TargetUrl } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import {
  compileSchema,
  type JsonSchemaDocument,
  schemaFault,
  type Validator,
} from '@opsconductor/json-schema'
import { z } from 'zod'
import { httpCredentialTypes } from '../http/auth/authenticate.ts'
import { callFields, callJson } from '../http/call-json.ts'
import { holdsTemplate } from '../templating/references.ts'
import { defineStepType } from './define-step-type.ts'

type Arguments = Record<string, z.infer<typeof Json>>

export const toolCall = defineStepType({
  type: 'tool.call',
  title: 'Call a tool',
  description:
    "Calls one function of a system over HTTP: its arguments go as a JSON body, or in the query where the method is GET or DELETE. With a connector of kind tool, url, method and input_schema are the connector's.",
  risk: 'high',
  credentials: httpCredentialTypes,
  takesClientCertificate: true,
  takesVia: true,
  input: z
    .object({
      url: TargetUrl.describe('Where the tool is called.'),
      method: z
        .enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
        .default('POST')
        .describe('How the tool is called.'),
      arguments: z.record(z.string().max(200), Json).default({}).describe('What it is given, by name.'),
      input_schema: JsonSchema.optional().describe('A JSON Schema (2020-12) that the arguments must fit.'),
      ...callFields,
    })
    .strict(),
  output: z.object({
    status: z.number().int().describe('The status of the answer.'),
    output: Json.describe('What it answered; null where that is nothing.'),
  }),
  urlFields: ['url'],
  retryable: false,
  timeoutSeconds: 60,
  examples: [
    {
      title: 'Look a customer up',
      credential: 'api_key',
      input: {
        url: 'https://tools.example.com/customers/search',
        method: 'GET',
        arguments: { email: '{{ input.email }}', limit: 1 },
      },
    },
    {
      title: 'Restart a service, with arguments that are checked first',
      credential: 'bearer_token',
      input: {
        url: 'https://tools.example.com/restart',
        arguments: { service: '{{ input.service }}' },
        input_schema: {
          type: 'object',
          required: ['service'],
          additionalProperties: false,
          properties: { service: { type: 'string' } },
        },
      },
    },
  ],
  check: faultsOfTool,
  async run({ url, method, arguments: given, input_schema, ...how }, tools) {
    const fault = input_schema && compiled(input_schema)(given, 'input.arguments')
    if (fault) throw new AppError('validation_failed', `${fault.path} ${fault.message}.`)
    const call = takesBody(method) ? { json: given } : { query: asQuery(given, url) }
    const { status, answer } = await callJson(how, { method, url, ...call }, tools)
    return { status, output: answer }
  },
})

const takesBody = (method: string): boolean => method !== 'GET' && method !== 'DELETE'

/** Of a name that stood there twice, many servers take the last. */
function asQuery(given: Arguments, url: string): Record<string, string | number | boolean> {
  const { searchParams: own } = new URL(url)
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      if (value === null) return []
      if (own.has(name))
        throw new AppError('validation_failed', `input.arguments.${name} must not be given: the URL says it.`)
      if (typeof value === 'object')
        throw new AppError(
          'validation_failed',
          `input.arguments.${name} must be text, a number, true or false: it goes into the query.`,
        )
      return [[name, value]]
    }),
  )
}

function compiled(schema: JsonSchemaDocument): Validator {
  try {
    return compileSchema(schema)
  } catch {
    throw new AppError('validation_failed', 'input.input_schema is not a usable JSON Schema.')
  }
}

/** What can be known of the arguments before a run. */
function faultsOfTool({ input_schema: schema, arguments: given = {} }: Readonly<Record<string, unknown>>) {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return []
  const message = schemaFault(schema as JsonSchemaDocument)
  if (message !== undefined) return [{ at: '.input_schema', message }]
  if (holdsTemplate(given)) return []
  const fault = compileSchema(schema as JsonSchemaDocument)(given, '.arguments')
  return fault === undefined ? [] : [{ at: fault.path, message: fault.message }]
}
