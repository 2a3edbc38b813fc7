import { connectorKindDefinitions } from '@opsconductor/connector-kinds'
import type { ConnectorKind, JsonSchema, StepTypeDescription } from '@opsconductor/contracts'
import { z } from 'zod'
import type { AnyStepType } from './define-step-type.ts'

/** A step type as the catalogue shows it. */
export function describeStepType(stepType: AnyStepType): z.infer<typeof StepTypeDescription> {
  return {
    type: stepType.type,
    title: stepType.title,
    description: stepType.description,
    risk: stepType.risk,
    credential_types: [...stepType.credentials],
    credential_required: stepType.credentialRequired ?? false,
    client_certificate: stepType.takesClientCertificate ?? false,
    connector_kinds: kindsFor(stepType.type),
    via: stepType.takesVia ?? false,
    loops: stepType.loops ?? false,
    retryable: stepType.retryable,
    timeout_seconds: stepType.timeoutSeconds,
    input_schema: toJsonSchema(stepType.input, 'input'),
    output_schema: toJsonSchema(stepType.output, 'output'),
    examples: stepType.examples.map(({ title, input, credential }) => ({
      title,
      credential_type: credential ?? null,
      input,
    })) as z.infer<typeof StepTypeDescription>['examples'],
  }
}

const kindsFor = (type: string): ConnectorKind[] =>
  [...connectorKindDefinitions.values()].flatMap(({ kind, stepTypes }) =>
    stepTypes.includes(type) ? kind : [],
  )

/** Of a value as it is written (`input`), or as it comes out (`output`: with its defaults). */
function toJsonSchema(of: z.ZodType, io: 'input' | 'output'): z.infer<typeof JsonSchema> {
  const schema = z.toJSONSchema(of, { io, unrepresentable: 'any', override: sayAnyJson })
  const { $schema: _, $defs, ...plain } = schema
  const isReferredTo = JSON.stringify(plain).includes('"$ref":"#/$defs/')
  return (isReferredTo ? { ...plain, $defs } : plain) as z.infer<typeof JsonSchema>
}

/** `Json` is recursive in zod and simply anything in JSON Schema. */
function sayAnyJson({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: object }): void {
  if (zodSchema._zod.def.type !== 'lazy' || !('type' in jsonSchema)) return
  const description = z.globalRegistry.get(zodSchema)?.description
  for (const name of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, name)
  if (description !== undefined) Object.assign(jsonSchema, { description })
}
