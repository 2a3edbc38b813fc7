import type { JobDefinition, Step } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { schemaFault } from '@opsconductor/json-schema'
import { fieldErrors } from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { AnyStepType } from '../step-types/define-step-type.ts'
import { stepTypes } from '../step-types/index.ts'
import type { Variable } from '../templating/parse-template.ts'
import { findTemplates, holdsTemplate } from '../templating/references.ts'

const runVariables = ['id', 'job_id', 'job_version']

/** Everything that is wrong with a job and can be known before it runs; credentials are looked at elsewhere. */
export function checkDefinition(definition: JobDefinition): FieldError[] {
  const schemaProblem = schemaFault(definition.input_schema)
  const errors: FieldError[] =
    schemaProblem === undefined ? [] : [{ path: 'body.input_schema', message: schemaProblem }]
  const before = new Map<string, AnyStepType | undefined>()
  for (const [index, step] of definition.steps.entries()) {
    const at = `body.steps[${index}]`
    const stepType = stepTypes.get(step.type)
    if (before.has(step.id)) errors.push({ path: `${at}.id`, message: 'is the id of an earlier step too' })
    errors.push(...(stepType === undefined ? [unknownType(at)] : checkStep(stepType, step, at)))
    errors.push(...checkTemplates(step.input, `${at}.input`, definition, before))
    before.set(step.id, stepType)
  }
  if (definition.output !== undefined)
    errors.push(...checkTemplates(definition.output, 'body.output', definition, before))
  return errors
}

const unknownType = (at: string): FieldError => ({
  path: `${at}.type`,
  message: `must be one of ${[...stepTypes.keys()].join(', ')}`,
})

function checkStep(stepType: AnyStepType, step: Step, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (stepType.credentialRequired && step.credential === undefined)
    errors.push({
      path: `${at}.credential`,
      message: `is needed: one of type ${stepType.credentials.join(', ')}`,
    })
  if (stepType.credentials.length === 0 && step.credential !== undefined)
    errors.push({ path: `${at}.credential`, message: `is not used by ${stepType.type}` })
  if (!stepType.takesClientCertificate && step.client_certificate !== undefined)
    errors.push({ path: `${at}.client_certificate`, message: `is not used by ${stepType.type}` })
  const parsed = stepType.input.safeParse(step.input)
  if (!parsed.success) {
    const issues = parsed.error.issues.filter((issue) => isDecidable(issue, step.input))
    errors.push(...fieldErrors({ ...parsed.error, issues } as z.ZodError, `${at}.input`))
  }
  for (const fault of stepType.check?.(step.input) ?? [])
    errors.push({ path: `${at}.input${fault.at}`, message: fault.message })
  for (const field of stepType.urlFields ?? [])
    errors.push(...checkUrl(step.input[field], `${at}.input.${field}`))
  return errors
}

/** What a template will render to is not known yet, so what the schema says of its place is not held against it. */
function isDecidable(issue: z.core.$ZodIssue, input: unknown): boolean {
  if (issue.code === 'unrecognized_keys') return true
  let value = input
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  return !holdsTemplate(value)
}

/** `{{ input.base }}/orders` would percent-encode the base. */
function checkUrl(value: unknown, path: string): FieldError[] {
  const { texts } = findTemplates(value)
  const [first] = texts[0]?.parts ?? []
  if ((texts[0]?.parts.length ?? 0) < 2 || typeof first !== 'object' || first.raw) return []
  const name = first.path.join('.')
  return [
    { path, message: `begins with {{ ${name} }}, which is percent-encoded here: write {{{ ${name} }}}` },
  ]
}

function checkTemplates(
  value: unknown,
  path: string,
  definition: JobDefinition,
  before: ReadonlyMap<string, AnyStepType | undefined>,
): FieldError[] {
  const { texts, faults } = findTemplates(value)
  const errors = faults.map(({ at, message }) => ({ path: path + at, message }))
  for (const { at, parts } of texts)
    for (const part of parts) {
      const message = typeof part === 'string' ? undefined : referenceFault(part, definition, before)
      if (message !== undefined) errors.push({ path: path + at, message })
    }
  return errors
}

function referenceFault(
  { path }: Variable,
  definition: JobDefinition,
  before: ReadonlyMap<string, AnyStepType | undefined>,
): string | undefined {
  const [root, name, field] = path
  const written = `{{ ${path.join('.')} }}`
  if (root === 'run')
    return name !== undefined && runVariables.includes(name) && path.length === 2
      ? undefined
      : `uses ${written}: there are run.${runVariables.join(', run.')}`
  if (root === 'input')
    return isUnknownInput(definition.input_schema, name)
      ? `uses ${written}: the input schema does not allow it`
      : undefined
  if (root !== 'steps') return `uses ${written}: variables begin with input, steps or run`
  if (name === undefined) return undefined
  if (!before.has(name))
    return definition.steps.some((step) => step.id === name)
      ? `uses ${written}: the step ${name} comes later`
      : `uses ${written}: there is no step ${name.slice(0, 64)}`
  const fields = Object.keys(before.get(name)?.output.shape ?? {})
  if (field === undefined || fields.length === 0 || fields.includes(field)) return undefined
  return `uses ${written}: the step ${name} answers ${fields.join(', ')}`
}

/** Only a schema that lists its properties and allows no others says that a name cannot come. */
function isUnknownInput(schema: Record<string, unknown>, name: string | undefined): boolean {
  if (name === undefined || schema.additionalProperties !== false || schema.patternProperties !== undefined)
    return false
  return !Object.hasOwn((schema.properties ?? {}) as object, name)
}
