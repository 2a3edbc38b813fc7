import type { Comparison, Condition, SimpleCondition } from '@opsconductor/contracts'
import { parseTemplate, TemplateError, UnknownVariable } from './parse-template.ts'
import { renderTemplates, type TemplateScope } from './render.ts'

/** Whether the condition holds. Throws TemplateError where it cannot be decided. Pure. */
export function evaluateCondition(condition: Condition, scope: TemplateScope): boolean {
  if (typeof condition === 'object' && 'all' in condition)
    return condition.all.every((one) => evaluateSimple(one, scope))
  if (typeof condition === 'object' && 'any' in condition)
    return condition.any.some((one) => evaluateSimple(one, scope))
  return evaluateSimple(condition, scope)
}

function evaluateSimple(condition: SimpleCondition, scope: TemplateScope): boolean {
  if (typeof condition === 'object') return compare(condition, scope)
  const rendered = renderTemplates(condition, scope)
  if (typeof rendered === 'boolean') return rendered
  throw new TemplateError(`The condition renders to ${kindOf(rendered)}, not to true or false.`)
}

function compare({ value, exists, ...operators }: Comparison, scope: TemplateScope): boolean {
  if (exists !== undefined) return doesExist(value, scope) === exists
  const left = renderTemplates(value, scope)
  for (const [name, operand] of Object.entries(operators))
    if (operand !== undefined)
      return comparators[name as keyof typeof comparators](left, renderTemplates(operand, scope))
  throw new TemplateError('The condition compares with nothing.')
}

type Comparator = (value: unknown, operand: unknown) => boolean

const comparators: Record<keyof Omit<Comparison, 'value' | 'exists'>, Comparator> = {
  equals: isEqual,
  not_equals: (value, operand) => !isEqual(value, operand),
  in: (value, list) => listOf(list, 'in').some((one) => isEqual(value, one)),
  not_in: (value, list) => !listOf(list, 'not_in').some((one) => isEqual(value, one)),
  greater_than: (value, operand) => order(value, operand) > 0,
  at_least: (value, operand) => order(value, operand) >= 0,
  less_than: (value, operand) => order(value, operand) < 0,
  at_most: (value, operand) => order(value, operand) <= 0,
  contains(value, part) {
    if (Array.isArray(value)) return value.some((one) => isEqual(one, part))
    if (typeof value === 'string' && typeof part === 'string') return value.includes(part)
    throw new TemplateError(`The condition looks for ${kindOf(part)} in ${kindOf(value)}.`)
  },
}

function doesExist(value: unknown, scope: TemplateScope): boolean {
  const parts = typeof value === 'string' ? parseTemplate(value) : []
  if (parts.length !== 1 || typeof parts[0] !== 'object')
    throw new TemplateError('The condition asks whether something exists that is not one variable.')
  try {
    return renderTemplates(value, scope) !== null
  } catch (error) {
    if (error instanceof UnknownVariable) return false
    throw error
  }
}

function order(value: unknown, operand: unknown): number {
  if (typeof value === 'number' && typeof operand === 'number') return value - operand
  if (typeof value === 'string' && typeof operand === 'string')
    return value < operand ? -1 : Number(value > operand)
  throw new TemplateError(
    `The condition compares ${kindOf(value)} with ${kindOf(operand)}: only two numbers or two strings have an order.`,
  )
}

function listOf(list: unknown, operator: string): unknown[] {
  if (Array.isArray(list)) return list
  throw new TemplateError(`The condition's ${operator} is not a list.`)
}

/** Of JSON values: the same members in any order. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) &&
        isEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
