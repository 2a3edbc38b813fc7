import { MibFault } from './mib-fault.ts'

export interface Token {
  kind: 'name' | 'number' | 'string' | 'mark'
  /** A string without its quotes. */
  text: string
  at: number
}

export interface Tokens {
  next(): Token
  peek(): Token
  /** Takes the next token, which must be this one. */
  expect(text: string): void
  fault(message: string, at?: number): MibFault
}

/** A comment reaches to the end of its line, as most tools read it. */
const gap = /\s+|--[^\n]*/y
const word =
  /^(?:([A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)|(-?\d+)|::=|\.\.|[{}()[\],;|.<>*]|'[0-9A-Fa-f\s]*'[HhBb])/
const wordCharactersMax = 200

/** The tokens of a MIB module's text, one at a time: a module of 2 MB is never held in pieces. */
export function readTokens(text: string): Tokens {
  let at = 0
  let peeked: Token | undefined
  const fault = (message: string, where = at) => new MibFault(message, lineOf(text, where))

  function read(): Token {
    for (gap.lastIndex = at; gap.test(text); gap.lastIndex = at) at = gap.lastIndex
    if (at >= text.length) throw fault('The module ends too early', at)
    if (text[at] === '"') return readString()
    // Never more than this is looked at, whatever stands there.
    const found = word.exec(text.slice(at, at + wordCharactersMax + 1))
    if (found === null) throw fault('A character stands where none may')
    if (found[0].length > wordCharactersMax)
      throw fault(`A word is longer than ${wordCharactersMax} characters`)
    const token: Token = {
      kind: found[1] !== undefined ? 'name' : found[2] !== undefined ? 'number' : 'mark',
      text: found[0],
      at,
    }
    at += found[0].length
    return token
  }

  function readString(): Token {
    const end = text.indexOf('"', at + 1)
    if (end === -1) throw fault('A text has no closing quote')
    const token: Token = { kind: 'string', text: text.slice(at + 1, end), at }
    at = end + 1
    return token
  }

  function next(): Token {
    const token = peeked ?? read()
    peeked = undefined
    return token
  }
  return {
    next,
    peek() {
      peeked ??= read()
      return peeked
    },
    expect(wanted) {
      const token = next()
      if (token.text !== wanted || token.kind === 'string') throw fault(`${wanted} is missing`, token.at)
    },
    fault,
  }
}

function lineOf(text: string, at: number): number {
  let line = 1
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', end + 1)) line++
  return line
}
