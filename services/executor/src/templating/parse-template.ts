import Mustache from 'mustache'

/** A template that cannot be rendered; the message is for the job's author and quotes no values. */
export class TemplateError extends Error {
  override readonly name: string = 'TemplateError'
}

/** The variable is not there, which a condition may ask about. */
export class UnknownVariable extends TemplateError {}

/** `{{ steps.fetch.body }}` is the path ['steps', 'fetch', 'body']. */
export interface Variable {
  path: readonly string[]
  /** Written `{{{ … }}}` or `{{& … }}`: never encoded, wherever it stands. */
  raw: boolean
}
export type TemplatePart = string | Variable

const templateCharactersMax = 100_000
const partsMax = 1_000
const nameCharactersMax = 500
const depthMax = 30
const pathPattern = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/
/** Ways to a prototype. No data of ours needs such names, so they are refused even where an object owns one. */
const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype'])

export const mayBeTemplate = (text: string): boolean => text.includes('{{')

/** The parts of a text: literal strings and variables. Sections, partials and other delimiters are refused. */
export function parseTemplate(text: string): TemplatePart[] {
  if (!mayBeTemplate(text)) return [text]
  if (text.length > templateCharactersMax)
    throw new TemplateError(`A template is longer than ${templateCharactersMax} characters.`)
  const parts = tokensOf(text).flatMap(toPart)
  if (parts.length > partsMax) throw new TemplateError(`A template has more than ${partsMax} parts.`)
  return parts
}

type Token = [type: string, value: string, ...rest: unknown[]]

function tokensOf(text: string): Token[] {
  // A writer of our own: the library's shared one keeps every template it ever saw.
  const writer = new Mustache.Writer()
  try {
    return writer.parse(text, ['{{', '}}']) as Token[]
  } catch (error) {
    throw new TemplateError(`A template is not well formed: ${(error as Error).message.slice(0, 200)}.`)
  }
}

function toPart([type, value]: Token): TemplatePart[] {
  switch (type) {
    case 'text':
      return [value]
    case '!':
      return []
    case 'name':
    case '&':
      return [{ path: parsePath(value), raw: type === '&' }]
    default:
      throw new TemplateError(
        `A template holds {{${type}${value.slice(0, 50)}}}: only variables are allowed, no sections or partials.`,
      )
  }
}

function parsePath(name: string): string[] {
  if (name.length > nameCharactersMax || !pathPattern.test(name))
    throw new TemplateError(`${quoted(name)} is not a variable: write names joined by dots.`)
  const path = name.split('.')
  if (path.length > depthMax) throw new TemplateError(`${quoted(name)} has more than ${depthMax} names.`)
  if (path.some((part) => forbiddenNames.has(part))) throw unknownVariable(path)
  return path
}

/** `why`: what is there instead. */
export const unknownVariable = (path: readonly string[], why = ''): TemplateError =>
  new UnknownVariable(`Unknown variable ${quoted(path.join('.'))}${why === '' ? '.' : `: ${why}`}`)

const quoted = (name: string): string => `{{ ${name.slice(0, 100)} }}`
