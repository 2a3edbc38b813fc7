import type { Tokens } from './read-tokens.ts'

/** A type by its name (`OCTET STRING`, `DisplayString`), and what its values or bits are called. */
export interface Syntax {
  type: string
  labels?: Map<number, string>
}

const labelsMax = 10_000
const nestingMax = 50

/** What follows SYNTAX, or `::=` of a type. */
export function parseSyntax(tokens: Tokens): Syntax {
  if (tokens.peek().text === '[') skipTag(tokens)
  const token = tokens.next()
  if (token.kind !== 'name') throw tokens.fault('A type must begin with a name', token.at)
  let type = token.text
  if (type === 'OCTET' || type === 'OBJECT') type += ` ${tokens.next().text}`
  if (type === 'SEQUENCE' || type === 'CHOICE') {
    if (tokens.peek().text === 'OF') {
      tokens.next()
      tokens.next()
    } else skipBalanced(tokens)
    return { type: 'SEQUENCE' }
  }
  // A type of another module, written with it.
  if (tokens.peek().text === '.') {
    tokens.next()
    type = tokens.next().text
  }
  let labels: Map<number, string> | undefined
  if (tokens.peek().text === '{') labels = parseLabels(tokens)
  if (tokens.peek().text === '(') skipBalanced(tokens)
  return labels === undefined ? { type } : { type, labels }
}

/** `[APPLICATION 1] IMPLICIT`. */
function skipTag(tokens: Tokens): void {
  for (let taken = 0; tokens.next().text !== ']'; taken++)
    if (taken > 3) throw tokens.fault('A tag has no closing bracket')
  if (['IMPLICIT', 'EXPLICIT'].includes(tokens.peek().text)) tokens.next()
}

/** `{ up(1), down(2) }`. */
function parseLabels(tokens: Tokens): Map<number, string> {
  const labels = new Map<number, string>()
  tokens.expect('{')
  for (let token = tokens.next(); token.text !== '}'; token = tokens.next()) {
    if (token.text === ',') continue
    if (token.kind !== 'name') throw tokens.fault('A label must be a name', token.at)
    if (labels.size >= labelsMax) throw tokens.fault(`A type has more than ${labelsMax} labels`, token.at)
    tokens.expect('(')
    const number = tokens.next()
    if (number.kind !== 'number') throw tokens.fault("A label's value must be a number", number.at)
    tokens.expect(')')
    labels.set(Number(number.text), token.text)
  }
  return labels
}

/** Ranges, sizes, columns: what stands in brackets and means nothing to us. */
export function skipBalanced(tokens: Tokens): void {
  let depth = 0
  do {
    const token = tokens.next()
    if (token.kind === 'string') continue
    if ('{(['.includes(token.text)) depth++
    else if ('})]'.includes(token.text)) depth--
    if (depth > nestingMax) throw tokens.fault(`Brackets nest deeper than ${nestingMax}`, token.at)
  } while (depth > 0)
}
