import { parseTemplate, TemplateError, unknownVariable, type Variable } from './parse-template.ts'

/** What templates may name; plain JSON. */
export interface TemplateScope {
  input: unknown
  steps: Readonly<Record<string, unknown>>
  run: Readonly<Record<string, unknown>>
  /** The variables of the loops around. */
  [loopVariable: string]: unknown
}

/** What is rendered out of a step's templates, or out of a job's output, at most. */
const renderedCharactersMax = 256 * 1024
const valueDepthMax = 100

export interface RenderOptions {
  /** Names of top-level strings whose variables are percent-encoded unless they are written `{{{ … }}}`. */
  urlFields?: readonly string[]
}

/**
 * The value with every template in it rendered. A string that is exactly one variable becomes that value with its type;
 * elsewhere a string stands as it is and anything else as its JSON. Keys are not templates. Pure: the same in a
 * workflow's replay.
 */
export function renderTemplates(value: unknown, scope: TemplateScope, options: RenderOptions = {}): unknown {
  const budget = { left: renderedCharactersMax }
  if (!isRecord(value) || options.urlFields === undefined) return renderValue(value, scope, budget, 0)
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      typeof field === 'string' && options.urlFields?.includes(key)
        ? renderUrl(field, scope, budget)
        : renderValue(field, scope, budget, 0),
    ]),
  )
}

interface Budget {
  left: number
}

function renderValue(value: unknown, scope: TemplateScope, budget: Budget, depth: number): unknown {
  if (depth > valueDepthMax) throw new TemplateError('A value is nested too deeply.')
  if (typeof value === 'string') return renderText(value, scope, budget)
  if (Array.isArray(value)) return value.map((item) => renderValue(item, scope, budget, depth + 1))
  // fromEntries defines own properties, so that a key `__proto__` stays a key.
  if (isRecord(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, renderValue(item, scope, budget, depth + 1)]),
    )
  return value
}

function renderText(text: string, scope: TemplateScope, budget: Budget): unknown {
  const parts = parseTemplate(text)
  const [only] = parts
  if (parts.length === 1 && typeof only === 'object') {
    const found = lookUp(only, scope)
    spend(budget, typeof found === 'string' ? found : JSON.stringify(found))
    return found
  }
  let rendered = ''
  for (const part of parts)
    rendered += spend(budget, typeof part === 'string' ? part : asText(lookUp(part, scope)))
  return rendered
}

/** Dot segments, which would climb out of the path that the job's author wrote; `%2e` is read as a dot (WHATWG URL). */
const dotSegment = /[/\\](?:\.|%2e){1,2}(?=$|[/\\?#])/i

function renderUrl(text: string, scope: TemplateScope, budget: Budget): unknown {
  const parts = parseTemplate(text)
  if (parts.length === 1) return renderText(text, scope, budget)
  let rendered = ''
  let encoded = false
  for (const part of parts) {
    if (typeof part === 'object' && !part.raw) encoded = true
    rendered += spend(budget, typeof part === 'string' ? part : urlText(part, scope))
  }
  if (encoded && dotSegment.test(rendered))
    throw new TemplateError('A variable may not be a path segment of dots in a URL.')
  return rendered
}

function urlText(variable: Variable, scope: TemplateScope): string {
  const text = asText(lookUp(variable, scope))
  if (variable.raw) return text
  try {
    return encodeURIComponent(text)
  } catch {
    throw new TemplateError(`{{ ${variable.path.join('.')} }} is not well-formed Unicode.`)
  }
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function spend(budget: Budget, text: string): string {
  budget.left -= text.length
  if (budget.left < 0)
    throw new TemplateError(`The templates render to more than ${renderedCharactersMax} characters.`)
  return text
}

/** Own properties and array places only: nothing that a prototype holds can be reached. */
function lookUp({ path }: Variable, scope: TemplateScope): unknown {
  const missing = () => unknownVariable(path, insteadOf(path, scope))
  let value: unknown = scope
  for (const name of path) {
    if (Array.isArray(value)) {
      if (!/^(?:0|[1-9][0-9]{0,8})$/.test(name) || Number(name) >= value.length) throw missing()
      value = value[Number(name)]
    } else if (isRecord(value) && Object.hasOwn(value, name)) value = value[name]
    else throw missing()
  }
  if (value === undefined || typeof value === 'function') throw missing()
  return value
}

/** Steps that gave no result have a mark in its place: what to tell whoever looks for the result. */
function insteadOf([root, name]: readonly string[], { steps }: TemplateScope): string {
  if (root !== 'steps' || name === undefined || !Object.hasOwn(steps, name)) return ''
  const result = steps[name]
  if (!isRecord(result)) return ''
  if (result.skipped === true) return `the step ${name} was skipped.`
  if (result.too_large === true)
    return `the result of ${name} was too large and became an artefact, {{ steps.${name}.artefact.id }}.`
  return isRecord(result.error) && Object.keys(result).length === 1 ? `the step ${name} failed.` : ''
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
