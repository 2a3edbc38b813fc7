import { mayBeTemplate, parseTemplate, TemplateError, type TemplatePart } from './parse-template.ts'

export interface TemplatedText {
  /** Where it stands, as in `.url` or `.headers["x"]`. */
  at: string
  parts: TemplatePart[]
}

export interface TemplateFault {
  at: string
  message: string
}

/** In one value. A workflow renders them in one go, and is taken for dead when that takes two seconds. */
const templatesMax = 10_000

/** Every templated string inside a value, and every one that does not parse; where there are too many a fault at ''. */
export function findTemplates(value: unknown): { texts: TemplatedText[]; faults: TemplateFault[] } {
  const texts: TemplatedText[] = []
  const faults: TemplateFault[] = []
  const visit = (item: unknown, at: string): void => {
    if (texts.length + faults.length > templatesMax) return
    if (typeof item === 'string') {
      if (!mayBeTemplate(item)) return
      try {
        texts.push({ at, parts: parseTemplate(item) })
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error
        faults.push({ at, message: error.message })
      }
    } else if (Array.isArray(item)) for (const [index, one] of item.entries()) visit(one, `${at}[${index}]`)
    else if (typeof item === 'object' && item !== null)
      for (const [key, one] of Object.entries(item)) visit(one, `${at}.${key.slice(0, 100)}`)
  }
  visit(value, '')
  if (texts.length + faults.length > templatesMax)
    faults.unshift({ at: '', message: `holds more than ${templatesMax} templates` })
  return { texts, faults }
}

/** True where the value is or holds a templated string. */
export function holdsTemplate(value: unknown): boolean {
  if (typeof value === 'string') return mayBeTemplate(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(holdsTemplate)
}

/** The paths of all variables inside a value; texts that are no templates name none. */
export const variablesWithin = (value: unknown): (readonly string[])[] =>
  findTemplates(value).texts.flatMap(({ parts }) =>
    parts.flatMap((part) => (typeof part === 'string' ? [] : [part.path])),
  )
