import type { JobDefinition, Step } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import type { AnyStepType } from '../step-types/define-step-type.ts'
import type { Variable } from '../templating/parse-template.ts'
import { findTemplates } from '../templating/references.ts'

export const runVariables = ['id', 'job_id', 'job_version']
/** Known once the other steps have ended. */
export const finallyVariables = [...runVariables, 'status', 'error']

/** What templates may name at a place of the job. */
export interface Visible {
  inputSchema: JobDefinition['input_schema']
  /** The steps that have run by then. */
  before: ReadonlyMap<string, { step: Step; stepType: AnyStepType | undefined }>
  /** Where the job's other steps stand, to tell why one is not seen. */
  elsewhere: ReadonlyMap<string, string>
  /** Of the loops around. */
  loopVariables: readonly string[]
  runVariables: readonly string[]
}

/** Of one value. A body has room for a hundred thousand mistakes; nobody mends so many at once. */
const errorsMax = 100

export function checkTemplates(value: unknown, path: string, visible: Visible): FieldError[] {
  const { texts, faults } = findTemplates(value)
  const errors = faults.slice(0, errorsMax).map(({ at, message }) => ({ path: path + at, message }))
  for (const { at, parts } of texts)
    for (const part of parts) {
      if (errors.length === errorsMax) return errors
      const message = typeof part === 'string' ? undefined : referenceFault(part, visible)
      if (message !== undefined) errors.push({ path: path + at, message })
    }
  return errors
}

function referenceFault({ path }: Variable, visible: Visible): string | undefined {
  const [root, name, field] = path
  const written = `{{ ${path.join('.')} }}`
  if (root === 'run') return runFault(path, written, visible)
  if (root === 'input')
    return isUnknownInput(visible.inputSchema, name)
      ? `uses ${written}: the input schema does not allow it`
      : undefined
  if (root !== 'steps') return loopFault(root as string, written, visible)
  if (name === undefined) return undefined
  const named = visible.before.get(name)
  if (named === undefined)
    return `uses ${written}: ${visible.elsewhere.has(name) ? `the step ${name} ${visible.elsewhere.get(name)}` : `there is no step ${name.slice(0, 64)}`}`
  const fields = Object.keys(named.stepType?.output.shape ?? {})
  if (field === undefined || fields.length === 0 || [...fields, ...marksOf(named.step)].includes(field))
    return undefined
  return `uses ${written}: the step ${name} answers ${fields.join(', ')}`
}

/** What can stand in place of a step's result. */
const marksOf = (step: Step): string[] => [
  ...['artefact', 'too_large'],
  ...(step.if === undefined ? [] : ['skipped']),
  ...(step.continue_on_error ? ['error'] : []),
]

function runFault([, name, ...rest]: readonly string[], written: string, visible: Visible) {
  const isKnown = name !== undefined && visible.runVariables.includes(name)
  if (isKnown && (rest.length === 0 || name === 'error')) return undefined
  return `uses ${written}: there are run.${visible.runVariables.join(', run.')}`
}

function loopFault(root: string, written: string, { loopVariables }: Visible): string | undefined {
  if (loopVariables.includes(root)) return undefined
  const roots = ['input', 'steps', ...loopVariables].join(', ')
  return `uses ${written}: variables begin with ${roots} or run`
}

/** Only a schema that lists its properties and allows no others says that a name cannot come. */
function isUnknownInput(schema: Record<string, unknown>, name: string | undefined): boolean {
  if (name === undefined || schema.additionalProperties !== false || schema.patternProperties !== undefined)
    return false
  return !Object.hasOwn((schema.properties ?? {}) as object, name)
}
