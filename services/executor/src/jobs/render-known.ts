import { randomUUID } from 'node:crypto'
import { mayBeTemplate, parseTemplate, TemplateError } from '../templating/parse-template.ts'
import { findTemplates, type TemplateFault } from '../templating/references.ts'
import { type RenderOptions, renderTemplates, type TemplateScope } from '../templating/render.ts'

export interface Known {
  value: unknown
  /** The variables that only a run will tell, as `steps.fetch.body.id`. */
  unknown: string[]
}

/**
 * Renders what can be rendered, as a run would: with its limits and its errors. A text that needs an unknown variable
 * stands as it is written.
 */
export function renderKnown(
  value: unknown,
  scope: TemplateScope,
  isUnknown: (path: readonly string[]) => boolean,
  options: RenderOptions = {},
): Known {
  const unknown = new Set<string>()
  const asWritten: string[] = []
  const mark = randomUUID()
  const masked = mapTexts(value, (text) => {
    const missing = variablesOf(text).filter(isUnknown)
    if (missing.length === 0) return text
    for (const path of missing) unknown.add(path.join('.'))
    return mark + (asWritten.push(text) - 1)
  })
  const rendered = renderTemplates(masked, scope, options)
  return {
    value: mapTexts(rendered, (text) =>
      text.startsWith(mark) ? (asWritten[Number(text.slice(mark.length))] as string) : text,
    ),
    unknown: [...unknown],
  }
}

/** Enough to mend at once; the rest is found the next time. */
const missingMax = 20

/** Where the value names variables that do not exist. */
export function missingVariables(
  value: unknown,
  scope: TemplateScope,
  isUnknown: (path: readonly string[]) => boolean,
): TemplateFault[] {
  const missing: TemplateFault[] = []
  for (const { at, parts } of findTemplates(value).texts)
    for (const part of parts) {
      if (missing.length === missingMax) return missing
      const message = typeof part === 'string' || isUnknown(part.path) ? undefined : faultOf(part.path, scope)
      if (message !== undefined) missing.push({ at, message })
    }
  return missing
}

function faultOf(path: readonly string[], scope: TemplateScope): string | undefined {
  try {
    renderTemplates(`{{ ${path.join('.')} }}`, scope)
    return undefined
  } catch (error) {
    if (error instanceof TemplateError) return error.message
    throw error
  }
}

const variablesOf = (text: string): (readonly string[])[] =>
  mayBeTemplate(text)
    ? parseTemplate(text).flatMap((part) => (typeof part === 'object' ? [part.path] : []))
    : []

/** The value with each of its strings replaced; names are left as they are, and `__proto__` is one. */
function mapTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, replace))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, replace)]))
}
