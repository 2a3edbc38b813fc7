import { type OidPart, parseOid } from './parse-oid.ts'
import { parseSyntax, type Syntax, skipBalanced } from './parse-syntax.ts'
import { readTokens, type Token, type Tokens } from './read-tokens.ts'

export interface MibObject {
  name: string
  oid: OidPart[]
  /** Of what has values. */
  syntax?: Syntax
  access?: string
  at: number
}

export interface MibType {
  syntax: Syntax
  displayHint?: string
}

/** A module as its text says it, with nothing looked up elsewhere. */
export interface MibModule {
  name: string
  /** The modules that it imports from. */
  importsFrom: Set<string>
  /** What it imports, and from which of them. */
  imports: Map<string, string>
  objects: Map<string, MibObject>
  types: Map<string, MibType>
}

const definitionsMax = 50_000
const importsMax = 5_000
const importsFromMax = 200

/**
 * Reads one module of SMIv1 or SMIv2 (RFC 1155, 1212, 2578, 2579). Takes time and space in proportion to the text. Throws
 * `MibFault`.
 */
export function parseModule(text: string): MibModule {
  const tokens = readTokens(text)
  const name = tokens.next()
  if (name.kind !== 'name' || !/^[A-Z]/.test(name.text))
    throw tokens.fault("The module's name is missing: it begins with a capital letter", name.at)
  if (tokens.peek().text === '{') skipBalanced(tokens)
  tokens.expect('DEFINITIONS')
  if (tokens.peek().kind === 'name') {
    tokens.next()
    tokens.expect('TAGS')
  }
  tokens.expect('::=')
  tokens.expect('BEGIN')
  const module: MibModule = {
    name: name.text,
    importsFrom: new Set(),
    imports: new Map(),
    objects: new Map(),
    types: new Map(),
  }
  for (let token = tokens.next(); token.text !== 'END'; token = tokens.next()) {
    if (module.objects.size + module.types.size > definitionsMax)
      throw tokens.fault(`The module has more than ${definitionsMax} definitions`, token.at)
    if (token.kind !== 'name') throw tokens.fault('A definition must begin with a name', token.at)
    readDefinition(tokens, token, module)
  }
  assertNothingFollows(tokens, text)
  return module
}

function assertNothingFollows(tokens: Tokens, text: string): void {
  let after: Token
  try {
    after = tokens.peek()
  } catch {
    return
  }
  if (after.at < text.length)
    throw tokens.fault('Something follows the module: send one module at a time', after.at)
}

function readDefinition(tokens: Tokens, token: Token, module: MibModule): void {
  const { text } = tokens.peek()
  if (token.text === 'IMPORTS') readImports(tokens, module)
  else if (token.text === 'EXPORTS') skipUntil(tokens, ';')
  else if (text === 'MACRO') skipUntil(tokens, 'END')
  else if (text === '::=') {
    tokens.next()
    module.types.set(token.text, readType(tokens))
  } else {
    const object = readObject(tokens, token)
    if (object !== undefined) module.objects.set(token.text, object)
  }
}

function readImports(tokens: Tokens, module: MibModule): void {
  let symbols: string[] = []
  for (let token = tokens.next(); token.text !== ';'; token = tokens.next()) {
    if (token.text === 'FROM') {
      const from = tokens.next()
      if (from.kind !== 'name') throw tokens.fault('FROM must name a module', from.at)
      module.importsFrom.add(from.text)
      for (const symbol of symbols) module.imports.set(symbol, from.text)
      symbols = []
    } else if (token.kind === 'name') symbols.push(token.text)
    else if (token.text !== ',') throw tokens.fault('IMPORTS must list names', token.at)
    if (module.imports.size + symbols.length > importsMax || module.importsFrom.size > importsFromMax)
      throw tokens.fault('IMPORTS is too long, or its ; is missing', token.at)
  }
}

function skipUntil(tokens: Tokens, end: string): void {
  for (let token = tokens.next(); token.kind === 'string' || token.text !== end; ) token = tokens.next()
}

/** After `Name ::=`. */
function readType(tokens: Tokens): MibType {
  if (tokens.peek().text !== 'TEXTUAL-CONVENTION') return { syntax: parseSyntax(tokens) }
  let displayHint: string | undefined
  for (let token = tokens.next(); ; token = tokens.next()) {
    if (token.kind === 'string') continue
    if (token.text === '::=' || token.text === 'END') throw tokens.fault('SYNTAX is missing', token.at)
    if (token.text === 'SYNTAX') break
    if (token.text === 'DISPLAY-HINT' && tokens.peek().kind === 'string')
      displayHint = tokens.next().text.slice(0, 255)
  }
  const syntax = parseSyntax(tokens)
  return { syntax, ...(displayHint === undefined ? {} : { displayHint }) }
}

/** After a name that begins with its macro: clauses, `::=`, and where it stands in the tree. */
function readObject(tokens: Tokens, { text: name, at }: Token): MibObject | undefined {
  const macro = tokens.next()
  let syntax: Syntax | undefined
  let access: string | undefined
  for (let token = tokens.next(); token.kind === 'string' || token.text !== '::='; token = tokens.next()) {
    if (token.text === 'END' && token.kind === 'name') throw tokens.fault(`${name} has no ::=`, at)
    if (macro.text !== 'OBJECT-TYPE' || token.kind !== 'name') continue
    if (token.text === 'SYNTAX') syntax = parseSyntax(tokens)
    if (token.text === 'MAX-ACCESS' || token.text === 'ACCESS') access = tokens.next().text
  }
  // An SMIv1 trap has a number there and stands in no tree.
  if (tokens.peek().kind === 'number') {
    tokens.next()
    return undefined
  }
  return {
    name,
    oid: parseOid(tokens),
    ...(syntax === undefined ? {} : { syntax }),
    ...(access === undefined ? {} : { access }),
    at,
  }
}
