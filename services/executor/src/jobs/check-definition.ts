import { type JobDefinition, jobStepsMax, type Step, stepsOfJob } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { schemaFault } from '@opsconductor/json-schema'
import { fieldErrors } from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { AnyStepType } from '../step-types/define-step-type.ts'
import { stepTypes } from '../step-types/index.ts'
import { findTemplates, holdsTemplate } from '../templating/references.ts'
import { connectedInput, type NamedConnectors } from './check-connectors.ts'
import { checkFlow } from './check-flow.ts'
import { checkTemplates, finallyVariables, runVariables, type Visible } from './check-templates.ts'

/** A plan of it goes into a history in one piece, of which the server takes 2 MB. */
const definitionBytesMax = 1024 * 1024

/** Everything that is wrong with a job and can be known before it runs; what it names is looked at elsewhere. */
export function checkDefinition(definition: JobDefinition, connectors: NamedConnectors): FieldError[] {
  const schemaProblem = schemaFault(definition.input_schema)
  const errors: FieldError[] =
    schemaProblem === undefined ? [] : [{ path: 'body.input_schema', message: schemaProblem }]
  const all = stepsOfJob(definition)
  if (Buffer.byteLength(JSON.stringify(definition)) > definitionBytesMax)
    errors.push({ path: 'body', message: `is larger than ${definitionBytesMax} bytes` })
  if (all.length > jobStepsMax)
    errors.push({ path: 'body.steps', message: `are more than ${jobStepsMax}, those of loops counted` })
  errors.push(...doubleIds(all))
  const before: Before = new Map()
  const visible = {
    inputSchema: definition.input_schema,
    before,
    elsewhere: new Map(all.map(({ step, path }) => [step.id, whereabouts(path)])),
    loopVariables: [],
    runVariables,
    connectors,
  }
  errors.push(...checkSteps(definition.steps, 'body.steps', visible, before))
  if (definition.output !== undefined)
    errors.push(...checkTemplates(definition.output, 'body.output', visible))
  const last = { ...visible, runVariables: finallyVariables }
  errors.push(...checkSteps(definition.finally ?? [], 'body.finally', last, before))
  return errors
}

type Before = Map<string, { step: Step; stepType: AnyStepType | undefined }>

/** Checks the steps of one list in their order; `before` grows with them. */
function checkSteps(
  steps: readonly Step[],
  path: string,
  visible: Visible & { connectors: NamedConnectors },
  before: Before,
): FieldError[] {
  return steps.flatMap((step, index) => {
    const at = `${path}[${index}]`
    const stepType = stepTypes.get(step.type)
    const errors = [
      ...(stepType === undefined ? [unknownType(at)] : checkStep(stepType, step, at, visible.connectors)),
      ...checkTemplates(step.input, `${at}.input`, visible),
      ...checkTemplates(step.if, `${at}.if`, visible),
    ]
    if (step.steps !== undefined) {
      const inside: Before = new Map(before)
      const loopVariables = [...visible.loopVariables, ...variablesOf(step)]
      if (loopVariables.length > new Set(loopVariables).size)
        errors.push({ path: `${at}.input.as`, message: 'is what a loop around calls its item' })
      errors.push(
        ...checkSteps(step.steps, `${at}.steps`, { ...visible, before: inside, loopVariables }, inside),
      )
    }
    before.set(step.id, { step, stepType })
    return errors
  })
}

function variablesOf({ input }: Step): string[] {
  const as = typeof input.as === 'string' ? input.as : 'item'
  return [as, `${as}_index`]
}

function doubleIds(all: readonly { step: Step; path: string }[]): FieldError[] {
  const seen = new Set<string>()
  return all.flatMap(({ step, path }) => {
    if (seen.has(step.id)) return [{ path: `body.${path}.id`, message: 'is the id of an earlier step too' }]
    seen.add(step.id)
    return []
  })
}

function whereabouts(path: string): string {
  if (path.startsWith('finally')) return 'runs at the end'
  return path.includes('.') ? 'is inside of a loop' : 'comes later'
}

const unknownType = (at: string): FieldError => ({
  path: `${at}.type`,
  message: `must be one of ${[...stepTypes.keys()].join(', ')}`,
})

function checkStep(stepType: AnyStepType, step: Step, at: string, connectors: NamedConnectors): FieldError[] {
  const errors: FieldError[] = []
  if (stepType.credentialRequired && step.credential === undefined && step.connector === undefined)
    errors.push({
      path: `${at}.credential`,
      message: `is needed: one of type ${stepType.credentials.join(', ')}`,
    })
  if (stepType.credentials.length === 0 && step.credential !== undefined)
    errors.push({ path: `${at}.credential`, message: `is not used by ${stepType.type}` })
  if (!stepType.takesClientCertificate && step.client_certificate !== undefined)
    errors.push({ path: `${at}.client_certificate`, message: `is not used by ${stepType.type}` })
  const { input, faults } = connectedInput(stepType, step, step.input, connectors)
  errors.push(...faults.map(({ path, message }) => ({ path: `${at}.${path}`, message })))
  if (input !== undefined) {
    errors.push(...inputErrors(stepType, input, `${at}.input`))
    for (const fault of stepType.check?.(input as Step['input']) ?? [])
      errors.push({ path: `${at}.input${fault.at}`, message: fault.message })
  }
  // Behind a connector's base URL it is a path, whose first part may be a variable like any other.
  if (step.connector === undefined)
    for (const field of stepType.urlFields ?? [])
      errors.push(...checkUrl(step.input[field], `${at}.input.${field}`))
  return [...errors, ...checkFlow(stepType, step, at)]
}

/** What the step type's schema holds against an input whose templates are not rendered, or not all. */
export function inputErrors(stepType: AnyStepType, input: unknown, at: string): FieldError[] {
  const parsed = stepType.input.safeParse(input)
  if (parsed.success) return []
  const issues = parsed.error.issues.filter((issue) => isDecidable(issue, input))
  return fieldErrors({ ...parsed.error, issues } as z.ZodError, at)
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
