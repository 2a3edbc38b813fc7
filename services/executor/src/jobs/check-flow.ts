import type { Condition, SimpleCondition, Step } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import type { AnyStepType } from '../step-types/define-step-type.ts'
import { findTemplates } from '../templating/references.ts'

/** An activity's attempt lasts at most this long; loops and other runs may take longer. */
const attemptSecondsMax = 3_600

/** What is wrong with when and how often a step runs, and with what is inside of it. */
export function checkFlow(stepType: AnyStepType, step: Step, at: string): FieldError[] {
  const errors: FieldError[] = []
  const refuse = (field: string, message: string) => errors.push({ path: `${at}.${field}`, message })
  if (stepType.loops && step.steps === undefined) refuse('steps', 'are needed: what is run for each item')
  if (!stepType.loops && step.steps !== undefined) refuse('steps', `are not used by ${stepType.type}`)
  if (stepType.durable !== undefined)
    for (const field of ['retry', 'max_attempts'] as const)
      if (step[field] !== undefined) refuse(field, `is not used by ${stepType.type}`)
  if (step.retry !== undefined && step.max_attempts !== undefined)
    refuse('max_attempts', 'stands beside retry: give one of them')
  if (stepType.durable !== 'whole' && (step.timeout_seconds ?? 0) > attemptSecondsMax)
    refuse('timeout_seconds', `must be at most ${attemptSecondsMax}`)
  return step.if === undefined ? errors : [...errors, ...checkCondition(step.if, `${at}.if`)]
}

function checkCondition(condition: Condition, at: string): FieldError[] {
  if (typeof condition !== 'object') return checkSimple(condition, at)
  if ('all' in condition) return condition.all.flatMap((one, i) => checkSimple(one, `${at}.all[${i}]`))
  if ('any' in condition) return condition.any.flatMap((one, i) => checkSimple(one, `${at}.any[${i}]`))
  return checkSimple(condition, at)
}

function checkSimple(condition: SimpleCondition, at: string): FieldError[] {
  if (typeof condition === 'boolean') return []
  if (typeof condition === 'string')
    return isOneVariable(condition)
      ? []
      : [{ path: at, message: 'must be one variable that is true or false, or a comparison' }]
  if (condition.exists === undefined || isOneVariable(condition.value)) return []
  return [{ path: `${at}.value`, message: 'must be one variable, whose existence is asked for' }]
}

/** What does not parse is told where templates are checked. */
function isOneVariable(value: unknown): boolean {
  const { texts, faults } = findTemplates(value)
  const parts = texts[0]?.parts ?? []
  return faults.length > 0 || (texts[0]?.at === '' && parts.length === 1 && typeof parts[0] === 'object')
}
