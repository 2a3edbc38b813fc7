import type { NginxSettings } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import Mustache from 'mustache'
import { findTemplateFault } from './find-template-fault.ts'
import { ConfigFault, type Directive, parseConfig } from './parse-config.ts'

export interface VhostConfig {
  template: string
  certificatePath: string
  keyPath: string
  serverNames: readonly string[]
}

/**
 * The configuration file of a virtual host from its template, in which `{{ certificate_path }}`, `{{ key_path }}` and
 * `{{ server_names }}` stand for themselves and nothing has logic. Throws `template_error`, which says where it is wrong:
 * the result is read as NGINX reads it, its blocks must be those of the template, and its directives those of
 * `directives.ts`. `nginx -t` has the last word.
 */
export function renderVhostConfig(vhost: VhostConfig, nginx: NginxSettings): string {
  const { template } = vhost
  if (/[^\P{Cc}\t\n\r]/u.test(template)) throw refused('must not contain control characters')
  const values = valuesOf(vhost)
  const parts = parseTemplate(template)
  const config = render(parts, values)
  const read = readConfig(config)
  const fault = findTemplateFault(read, { ...vhost, nginx })
  if (fault !== undefined) throw refused(`is refused: ${fault}`)
  const plain = readConfig(render(parts, { certificate_path: 'x', key_path: 'x', server_names: 'x' }))
  if (shapeOf(plain) !== shapeOf(read)) throw refused('would have other blocks with these values')
  assertServes(read)
  return config
}

/** Letters, digits and signs that mean nothing to NGINX: no value ends a word, opens a quote or names a variable. */
function valuesOf({ certificatePath, keyPath, serverNames }: VhostConfig) {
  const values = {
    certificate_path: certificatePath,
    key_path: keyPath,
    server_names: serverNames.join(' '),
  }
  for (const [name, value] of Object.entries(values))
    if (!/^[A-Za-z0-9._/+@* -]+$/.test(value)) throw refused(`cannot take the value of ${name}`)
  return values
}

type Values = ReturnType<typeof valuesOf>
const variables = ['certificate_path', 'key_path', 'server_names'] as const
const isVariable = (name: string): name is keyof Values => variables.some((known) => known === name)
type Part = { text: string } | { variable: keyof Values }

function parseTemplate(template: string): Part[] {
  return readTemplate(template).map(([type, value]) => {
    if (type === 'text') return { text: value }
    if (type !== 'name') throw refused('may have variables only: {{ name }}')
    if (!isVariable(value))
      throw refused(`names a variable that there is not; there are ${variables.join(', ')}`)
    return { variable: value }
  })
}

function readTemplate(template: string): readonly [type: string, value: string, ...unknown[]][] {
  try {
    // A writer of its own: the library's keeps every template that it has ever seen.
    return new Mustache.Writer().parse(template)
  } catch {
    throw refused('has a {{ that is not closed, or a section')
  }
}

const render = (parts: readonly Part[], values: Values): string =>
  parts.map((part) => ('text' in part ? part.text : values[part.variable])).join('')

function readConfig(config: string): Directive[] {
  try {
    return parseConfig(config)
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error
    throw refused(`is no NGINX configuration: ${error.message}`)
  }
}

/** Names and blocks, without arguments. */
const shapeOf = (config: readonly Directive[]): string =>
  config.map(({ name, block }) => (block === undefined ? name : `${name}{${shapeOf(block)}}`)).join(';')

function assertServes(config: readonly Directive[]): void {
  const servers = config.filter(({ name }) => name === 'server')
  const serves = servers.some(({ block = [] }) =>
    ['ssl_certificate', 'ssl_certificate_key'].every((wanted) => block.some(({ name }) => name === wanted)),
  )
  if (!serves)
    throw refused(
      'must have a server with ssl_certificate {{ certificate_path }} and ssl_certificate_key {{ key_path }}',
    )
}

const refused = (message: string) => new AppError('template_error', `The template ${message}.`)
