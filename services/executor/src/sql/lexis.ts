/** How a dialect writes what is not code: comments, literals and quoted names. */
export interface Lexis {
  /** In `'…'` and `"…"` a backslash takes the next character with it. */
  backslashes?: true
  /** E'…' with backslashes. */
  escapeStrings?: true
  /** $tag$…$tag$ */
  dollarQuotes?: true
  /** q'[…]' */
  alternativeQuotes?: true
  backticks?: true
  brackets?: true
  /** A block comment may hold another. */
  nestedComments?: true
  /** `#` begins a comment, `--` only where a space follows, and the text of a comment that begins with `!` is code. */
  mysqlComments?: true
}

export interface Token {
  kind: 'comment' | 'literal' | 'word' | 'parameter' | 'symbol'
  start: number
  end: number
}

const space = /\s+/y
const word = /[A-Za-z_\u0080-\uffff][\w$#\u0080-\uffff]*/y
const number = /\d[\w.]*/y
const parameter = /:([A-Za-z_]\w*)/y
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const alternativeQuote = /[nN]?[qQ]'([^\s])/y
const executableComment = /\/\*M?!\d*/y
const plain = {
  "'": /'[^']*(?:''[^']*)*(?:'|$)/y,
  '"': /"[^"]*(?:""[^"]*)*(?:"|$)/y,
  '`': /`[^`]*(?:``[^`]*)*(?:`|$)/y,
  '[': /\[[^\]]*(?:\]\][^\]]*)*(?:\]|$)/y,
} as const
const withBackslashes = {
  "'": /'[^'\\]*(?:(?:''|\\[\s\S])[^'\\]*)*(?:'|\\?$)/y,
  '"': /"[^"\\]*(?:(?:""|\\[\s\S])[^"\\]*)*(?:"|\\?$)/y,
} as const
const closing: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}', '<': '>' }

/** The tokens of the text without its white space. What is opened and never closed reaches to the end. Linear in time. */
export function* tokens(sql: string, lexis: Lexis): Generator<Token> {
  const match = (pattern: RegExp, at: number): RegExpExecArray | null => {
    pattern.lastIndex = at
    return pattern.exec(sql)
  }
  const lengthOf = (pattern: RegExp, at: number): number => match(pattern, at)?.[0].length ?? 0
  let at = 0
  while (at < sql.length) {
    const gap = lengthOf(space, at)
    if (gap > 0) {
      at += gap
      continue
    }
    const token = next(at)
    yield token
    at = token.end
  }

  function next(start: number): Token {
    const as = (kind: Token['kind'], end: number): Token => ({ kind, start, end })
    const comment = commentEnd(start)
    if (comment > 0) return as('comment', comment)
    if (lexis.mysqlComments) {
      const marker = lengthOf(executableComment, start)
      if (marker > 0) return as('symbol', start + marker)
    }
    const literal = literalEnd(start)
    if (literal > 0) return as('literal', literal)
    const wordLength = lengthOf(word, start)
    if (wordLength > 0) return as('word', start + wordLength)
    if (sql.startsWith('::', start)) return as('symbol', start + 2)
    const parameterLength = lengthOf(parameter, start)
    if (parameterLength > 0) return as('parameter', start + parameterLength)
    return as('symbol', start + (lengthOf(number, start) || 1))
  }

  function commentEnd(start: number): number {
    if (sql.startsWith('--', start) && (!lexis.mysqlComments || /^\s?$/.test(sql.charAt(start + 2))))
      return lineEnd(start)
    if (lexis.mysqlComments && sql[start] === '#') return lineEnd(start)
    if (!sql.startsWith('/*', start) || (lexis.mysqlComments && match(executableComment, start))) return 0
    let depth = 1
    const bound = lexis.nestedComments ? /\/\*|\*\//g : /\*\//g
    bound.lastIndex = start + 2
    for (let found = bound.exec(sql); found !== null; found = bound.exec(sql)) {
      depth += found[0] === '/*' ? 1 : -1
      if (depth === 0) return bound.lastIndex
    }
    return sql.length
  }

  function lineEnd(start: number): number {
    const end = sql.indexOf('\n', start)
    return end < 0 ? sql.length : end
  }

  function literalEnd(start: number): number {
    const first = sql.charAt(start)
    if (first === "'" || first === '"')
      return start + lengthOf((lexis.backslashes ? withBackslashes : plain)[first], start)
    if (first === '`') return lexis.backticks ? start + lengthOf(plain['`'], start) : 0
    if (first === '[') return lexis.brackets ? start + lengthOf(plain['['], start) : 0
    if (lexis.escapeStrings && /^[eE]'$/.test(sql.slice(start, start + 2)))
      return start + 1 + lengthOf(withBackslashes["'"], start + 1)
    const tag = lexis.dollarQuotes && match(dollarTag, start)?.[0]
    if (tag) return endAfter(tag, start + tag.length)
    const quote = lexis.alternativeQuotes && match(alternativeQuote, start)
    if (quote) return endAfter(`${closing[quote[1] as string] ?? quote[1]}'`, start + quote[0].length)
    return 0
  }

  function endAfter(end: string, from: number): number {
    const at = sql.indexOf(end, from)
    return at < 0 ? sql.length : at + end.length
  }
}

/** The first words of a statement in capitals, behind comments and parentheses; none where it begins with something else. */
export function firstWords(sql: string, lexis: Lexis, count: number): string[] {
  const words: string[] = []
  for (const { kind, start, end } of tokens(sql, lexis)) {
    if (kind === 'word') words.push(sql.slice(start, end).toUpperCase())
    else if (kind !== 'comment' && sql[start] !== '(' && !sql.startsWith('/*', start)) break
    if (words.length === count) break
  }
  return words
}

export const firstWord = (sql: string, lexis: Lexis): string => firstWords(sql, lexis, 1)[0] ?? ''
