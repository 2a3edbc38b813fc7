/** One directive of an NGINX configuration, with its block where it has one. */
export interface Directive {
  name: string
  args: string[]
  /** From 1. */
  line: number
  block?: Directive[]
}

/** What NGINX would refuse too, in its words as far as they are known. */
export class ConfigFault extends Error {
  constructor(message: string, line: number) {
    super(`${message} in line ${line}`)
    this.name = 'ConfigFault'
  }
}

const directivesMax = 100_000
const argumentsMax = 5_000
const depthMax = 50

/**
 * The directives of one file, by the rules of ngx_conf_read_token (src/core/ngx_conf_file.c): quotes, escapes, comments
 * and `${`. Includes are left as they are. Throws `ConfigFault`.
 */
export function parseConfig(text: string): Directive[] {
  const root: Directive[] = []
  const open = [root]
  let words: string[] = []
  let line = 1
  let start = 1
  let at = 0
  let count = 0

  function end(block?: Directive[]): void {
    const [name, ...args] = words
    if (name === undefined) throw new ConfigFault(`unexpected "${block === undefined ? ';' : '{'}"`, line)
    count++
    if (count > directivesMax) throw new ConfigFault(`there are more than ${directivesMax} directives`, line)
    const directive = { name, args, line: start }
    open.at(-1)?.push(block === undefined ? directive : { ...directive, block })
    words = []
  }

  while (at < text.length) {
    const character = text[at] as string
    if (character === '\n') line++
    if (isSpace(character)) at++
    else if (character === '#') at = endOfLine(text, at)
    else if (character === ';') {
      end()
      at++
    } else if (character === '{') {
      const block: Directive[] = []
      end(block)
      open.push(block)
      if (open.length > depthMax)
        throw new ConfigFault(`blocks are nested more than ${depthMax} levels deep`, line)
      at++
    } else if (character === '}') {
      if (words.length > 0 || open.length === 1) throw new ConfigFault('unexpected "}"', line)
      open.pop()
      at++
    } else {
      if (words.length === 0) start = line
      if (words.length >= argumentsMax)
        throw new ConfigFault(`a directive has more than ${argumentsMax} arguments`, line)
      const word = readWord(text, at, line)
      words.push(word.value)
      at = word.end
      line = word.line
    }
  }
  if (words.length > 0 || open.length > 1)
    throw new ConfigFault(`unexpected end of file, expecting ${words.length > 0 ? '";"' : '"}"'}`, line)
  return root
}

const isSpace = (character: string | undefined) =>
  character === ' ' || character === '\t' || character === '\r' || character === '\n'

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

/** One word from `start`, where a space has ended; `end` is behind it. */
function readWord(text: string, start: number, startLine: number) {
  const first = text[start] as string
  const quote = first === '"' || first === "'" ? first : undefined
  let line = startLine
  let at = quote === undefined ? start : start + 1
  for (; at < text.length; at++) {
    const character = text[at] as string
    if (character === '\n') line++
    if (character === '\\') {
      at++
      if (text[at] === '\n') line++
    } else if (character === '$') while (text[at + 1] === '{') at++
    else if (quote === undefined ? endsWord(character) : character === quote) break
  }
  if (at >= text.length && quote !== undefined)
    throw new ConfigFault(`unexpected end of file, expecting ${quote}`, line)
  const raw = text.slice(quote === undefined ? start : start + 1, at)
  // A newline that ends a word is counted by who reads on.
  if (quote === undefined)
    return { value: unescapeWord(raw), end: at, line: text[at] === '\n' ? line - 1 : line }
  const next = text[at + 1]
  if (next !== undefined && !endsWord(next) && next !== ')')
    throw new ConfigFault(`unexpected "${/[\x21-\x7e]/.test(next) ? next : '?'}" after a quoted string`, line)
  return { value: unescapeWord(raw), end: at + 1, line }
}

const endsWord = (character: string) => isSpace(character) || character === ';' || character === '{'

const escapes: Record<string, string> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  t: '\t',
  r: '\r',
  n: '\n',
}
const unescapeWord = (raw: string): string =>
  raw.replaceAll(/\\(["'\\trn])/g, (_, character: string) => escapes[character] as string)
