import type { StepTypeDescription } from '@opsconductor/contracts'
import type { z } from 'zod'

type Description = z.infer<typeof StepTypeDescription>
interface Schema {
  type?: string | string[]
  description?: string
  default?: unknown
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  items?: Schema
  minimum?: number
  maximum?: number
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
}

/** The catalogue as a Markdown page. */
export function stepTypePage(types: readonly Description[]): string {
  const inOrder = types.toSorted((a, b) => (a.type < b.type ? -1 : 1))
  return `${[head, overview(inOrder), ...inOrder.map(section)].join('\n\n')}\n`
}

const head = `# Step types

<!-- Written by npm run docs:step-types from src/step-types; do not edit. -->

What a step can be of. \`GET /api/step-types\` answers the same, with the full JSON Schemas. Strings of an input may hold
\`{{ }}\` templates. Every step may also have \`if\`, \`timeout_seconds\`, \`retry\` (or \`max_attempts\`) and \`continue_on_error\`.

Where a type takes a connector, a step may name one in \`connector\` (its name, or the id of one that another project shares; never
a template) in place of a \`credential\` and of the fields that the connector says: \`url\` is then a path below the connector's base URL
(\`http_api\`, \`datasource\`), or not given at all (\`url\`, \`base_url\`, \`host\`, \`port\`, \`method\`, \`input_schema\`).`

const overview = (types: readonly Description[]): string =>
  table(
    ['type', 'what', 'risk', 'credentials', 'repeated by itself'],
    types.map(({ type, title, risk, credential_types, retryable }) => [
      `[\`${type}\`](#${type.replaceAll(/[^a-z_]/g, '')})`,
      title,
      risk,
      credential_types.map(code).join(', ') || '–',
      retryable ? 'yes' : 'no',
    ]),
  )

function section(description: Description): string {
  const { type, input_schema, output_schema, examples } = description
  return [
    `## ${type}`,
    description.description,
    facts(description),
    `**Input**\n\n${fieldTable(input_schema as Schema, 'default')}`,
    `**Result**\n\n${fieldTable(output_schema as Schema, 'there')}`,
    ...examples.map(
      ({ title, credential_type, input }) =>
        `**${title}**${credential_type === null ? '' : ` (with a credential of type ${code(credential_type)})`}\n\n\`\`\`json\n${JSON.stringify({ type, input }, null, 2)}\n\`\`\``,
    ),
  ].join('\n\n')
}

function facts({
  risk,
  timeout_seconds,
  retryable,
  credential_types,
  credential_required,
  ...can
}: Description): string {
  const credential =
    credential_types.length === 0
      ? 'Takes no credential.'
      : `${credential_required ? 'Needs' : 'Takes'} a credential: ${credential_types.map(code).join(', ')}.`
  return [
    `Risk: ${risk}. Ends after ${timeout_seconds} s where the step does not say.`,
    retryable ? 'A failed attempt is repeated by itself.' : 'Runs once, unless the step sets `max_attempts`.',
    credential,
    ...(can.client_certificate ? ['Takes a `client_certificate`.'] : []),
    ...(can.connector_kinds.length > 0
      ? [`Takes a \`connector\` of kind ${can.connector_kinds.map(code).join(', ')}.`]
      : []),
    ...(can.via ? ['Goes through bastions with `via`.'] : []),
    ...(can.loops ? ['Has `steps` of its own.'] : []),
  ].join(' ')
}

/** An object's fields, and below each the fields of the object that it is; `third`: what is said beside type and meaning. */
function fieldTable(schema: Schema, third: 'default' | 'there'): string {
  const rows = fieldRows(schema, '', third)
  return rows.length === 0 ? 'Nothing.' : table(['field', 'type', third, 'meaning'], rows)
}

const fieldRows = (
  { properties = {}, required = [] }: Schema,
  prefix: string,
  third: 'default' | 'there',
): string[][] =>
  Object.entries(properties).flatMap(([name, field]) => [
    [
      code(prefix + name),
      typeText(field),
      third === 'default'
        ? defaultText(field, required.includes(name))
        : required.includes(name)
          ? 'always'
          : 'not always',
      field.description ?? '',
    ],
    ...fieldRows(field, `${prefix}${name}.`, third),
    ...(field.items ? fieldRows(field.items, `${prefix}${name}[].`, third) : []),
  ])

const defaultText = (field: Schema, isRequired: boolean): string => {
  if (field.default !== undefined) return code(JSON.stringify(field.default))
  return isRequired ? 'needed' : ''
}

function typeText(schema: Schema): string {
  const { type, items, additionalProperties } = schema
  const options = schema.anyOf ?? schema.oneOf
  if (schema.const !== undefined) return code(JSON.stringify(schema.const))
  if (schema.enum !== undefined) return schema.enum.map((one) => code(JSON.stringify(one))).join(', ')
  if (options !== undefined) {
    const texts = [...new Set(options.map(typeText))]
    return texts.includes('any') ? 'any' : texts.join(' or ')
  }
  if (type === 'array') return `list${ofText(items)}`
  if (type !== 'object') return [type ?? 'any'].flat().join(' or ') + rangeText(schema)
  const values = typeof additionalProperties === 'object' ? additionalProperties : undefined
  return schema.properties === undefined ? `object${ofText(values)}` : 'object'
}

function ofText(schema: Schema | undefined): string {
  const text = schema === undefined ? 'any' : typeText(schema)
  if (text === 'any') return ''
  return text.includes(' or ') ? ` of (${text})` : ` of ${text}`
}

/** Zod gives every integer the limits of a safe one, which say nothing. */
function rangeText({ minimum, maximum = Number.MAX_SAFE_INTEGER }: Schema): string {
  if (maximum !== Number.MAX_SAFE_INTEGER) return `, ${minimum ?? ''}…${maximum}`
  return minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? '' : `, from ${minimum}`
}

const code = (text: string): string => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``)

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
