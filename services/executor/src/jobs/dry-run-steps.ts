import type { Condition, DryRun, JobDefinition, Step } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { planStep } from '../run-job/plan-step.ts'
import type { AnyStepType } from '../step-types/define-step-type.ts'
import { stepTypes } from '../step-types/index.ts'
import { set } from '../step-types/set.ts'
import { evaluateCondition } from '../templating/evaluate-condition.ts'
import { TemplateError } from '../templating/parse-template.ts'
import { findTemplates, variablesWithin } from '../templating/references.ts'
import type { TemplateScope } from '../templating/render.ts'
import { connectedInput, type NamedConnectors } from './check-connectors.ts'
import { inputErrors } from './check-definition.ts'
import { finallyVariables } from './check-templates.ts'
import { type Known, missingVariables, renderKnown } from './render-known.ts'

type Row = DryRun['steps'][number]

/** What the inputs of all steps come to; each by itself is held to the limits of a run. */
const answerCharactersMax = 4 * 1024 * 1024

interface Given {
  input: unknown
  step_results: Readonly<Record<string, unknown>>
  run: Readonly<Record<string, unknown>>
  /** How paths name the definition. */
  at: string
  connectors: NamedConnectors
}

/** What can be named where a step stands. */
interface Place {
  scope: TemplateScope
  /** The steps that have run by then; those of them whose results are known are in the scope. */
  before: Set<string>
  /** Variables of the loops around whose values are not known. */
  loopVariables: ReadonlySet<string>
}

/** Renders every step's input as far as it is known. `told`: the paths of faults that were found already, which are not told again. */
export function dryRunSteps(
  definition: JobDefinition,
  { input, step_results, run, at, connectors }: Given,
  told: ReadonlySet<string>,
): Pick<DryRun, 'steps' | 'output'> & { faults: FieldError[] } {
  const rows: Row[] = []
  const faults: FieldError[] = []
  let left = answerCharactersMax

  const add = (found: readonly FieldError[]) => faults.push(...found.filter(({ path }) => !told.has(path)))

  function render(
    value: unknown,
    path: string,
    { scope, ...place }: Place,
    urlFields: readonly string[] = [],
  ): Known | null {
    const isUnknown = (name: readonly string[]) => isUnknownAt(name, { scope, ...place })
    try {
      if (isUnrenderable(value)) return null
      const rendered = renderKnown(value, scope, isUnknown, { urlFields })
      left -= JSON.stringify(rendered.value).length
      if (left >= 0) return rendered
      add([{ path, message: 'is left out: the steps together render to more than 4 MB' }])
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      const missing = missingVariables(value, scope, isUnknown)
      add(
        missing.length > 0
          ? missing.map((one) => ({ path: path + one.at, message: one.message }))
          : [{ path, message: error.message }],
      )
    }
    return null
  }

  function decide(condition: Condition | undefined, path: string, place: Place): boolean | null {
    if (condition === undefined) return true
    if (variablesWithin(condition).some((name) => isUnknownAt(name, place))) return null
    try {
      return evaluateCondition(condition, place.scope)
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      add([{ path, message: error.message }])
      return null
    }
  }

  /** What the step type would be given; as it was rendered where the step's connector gives nothing. */
  function connect(step: Step, stepType: AnyStepType, rendered: Known, path: string): Known {
    const { input, faults } = connectedInput(stepType, step, rendered.value, connectors)
    add(faults.map((fault) => ({ ...fault, path: `${at}.${path}.${fault.path}` })))
    if (input === undefined) return rendered
    add(inputErrors(stepType, input, `${at}.${path}.input`))
    return { ...rendered, value: input }
  }

  function visit(step: Step, path: string, place: Place): void {
    const stepType = stepTypes.get(step.type)
    const runs = decide(step.if, `${at}.${path}.if`, place)
    const inputPath = `${at}.${path}.input`
    const rendered = runs === false ? null : render(step.input, inputPath, place, stepType?.urlFields)
    const shown = rendered && stepType ? connect(step, stepType, rendered, path) : rendered
    const plan = stepType && planStep(step)
    rows.push({
      path,
      id: step.id,
      type: step.type,
      runs,
      input: shown as Row['input'],
      credential: step.credential ?? null,
      client_certificate: step.client_certificate ?? null,
      connector: step.connector ?? null,
      via: step.via ?? [],
      timeout_seconds: plan?.timeoutSeconds ?? null,
      max_attempts: plan?.attemptsMax ?? null,
    })
    visitAll(step.steps ?? [], `${path}.steps`, placeInLoop(place, rendered))
    place.before.add(step.id)
    const given = Object.hasOwn(step_results, step.id) ? step_results[step.id] : resultOf(step, rendered)
    const result = runs === false ? { skipped: true } : given
    if (result !== undefined) place.scope.steps = { ...place.scope.steps, [step.id]: result }
  }

  const visitAll = (steps: readonly Step[], path: string, place: Place) => {
    for (const [index, step] of steps.entries()) visit(step, `${path}[${index}]`, place)
  }

  const place: Place = { scope: { input, steps: {}, run }, before: new Set(), loopVariables: new Set() }
  visitAll(definition.steps, 'steps', place)
  const output = definition.output === undefined ? null : render(definition.output, `${at}.output`, place)
  visitAll(definition.finally ?? [], 'finally', place)
  return { steps: rows, output: output as DryRun['output'], faults }
}

/** It holds too many templates, or is one that does not parse: the check of the definition has told. */
const isUnrenderable = (value: unknown): boolean => findTemplates(value).faults.some(({ at }) => at === '')

/** The result of the one step type that is known without running it. */
function resultOf({ type }: Step, rendered: Known | null): unknown {
  if (type !== set.type || rendered?.unknown.length !== 0) return undefined
  return (rendered.value as { values?: unknown }).values
}

function isUnknownAt([root = '', name]: readonly string[], { scope, before, loopVariables }: Place): boolean {
  if (loopVariables.has(root)) return true
  if (root === 'run')
    return name !== undefined && finallyVariables.includes(name) && !Object.hasOwn(scope.run, name)
  if (root !== 'steps') return false
  const isKnown = (id: string) => Object.hasOwn(scope.steps, id)
  return name === undefined ? ![...before].every(isKnown) : before.has(name) && !isKnown(name)
}

/** Inside of a loop, at its first item where that is known. */
function placeInLoop({ scope, before, loopVariables }: Place, rendered: Known | null): Place {
  const { as = 'item', items } = (rendered?.value ?? {}) as { as?: unknown; items?: unknown }
  const names = [String(as), `${as}_index`] as const
  const inside = { before: new Set(before), loopVariables }
  if (!Array.isArray(items) || items.length === 0 || rendered?.unknown.length !== 0)
    return { ...inside, scope: { ...scope }, loopVariables: new Set([...loopVariables, ...names]) }
  return { ...inside, scope: { ...scope, [names[0]]: items[0], [names[1]]: 0 } }
}
