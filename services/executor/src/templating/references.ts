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

/** Every templated string inside a value, and every one that does not parse. */
export function findTemplates(value: unknown): { texts: TemplatedText[]; faults: TemplateFault[] } {
  const texts: TemplatedText[] = []
  const faults: TemplateFault[] = []
  const visit = (item: unknown, at: string): void => {
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
  return { texts, faults }
}

/** True where the value is or holds a templated string. */
export function holdsTemplate(value: unknown): boolean {
  if (typeof value === 'string') return mayBeTemplate(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(holdsTemplate)
}
