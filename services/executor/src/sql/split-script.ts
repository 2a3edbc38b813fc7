import { AppError } from '@opsconductor/errors'
import { splitQuery } from 'dbgate-query-splitter'
import type { Dialect } from './dialect.ts'
import { type Token, tokens } from './lexis.ts'

/**
 * The statements of a script. The library splits a text of the same length in which comments are blank, and literals and the
 * semicolons inside of blocks cannot be taken for ends of statements; what it finds is cut out of the script itself.
 */
export function splitScript(dialect: Dialect, script: string): string[] {
  if (script.includes('\0'))
    throw new AppError('validation_failed', 'The script must not hold a NUL character.')
  const { semicolon, custom, go, slash } = dialect.script.delimiters
  const parts = splitQuery(masked(dialect, script), {
    stringsBegins: [],
    stringsEnds: {},
    stringEscapes: {},
    doubleDashComments: false,
    multilineComments: false,
    allowSemicolon: semicolon,
    allowCustomDelimiter: custom,
    allowGoDelimiter: go,
    allowSlashDelimiter: slash,
    returnRichInfo: true,
  } as never) as { trimStart: { position: number }; trimEnd: { position: number } }[]
  return parts.map(({ trimStart, trimEnd }) =>
    withoutSlash(dialect, script.slice(trimStart.position, trimEnd.position)),
  )
}

/** The line with the slash that ends a script's last block, where no line follows. */
const withoutSlash = ({ script }: Dialect, statement: string): string =>
  script.delimiters.slash ? statement.replace(/\n\/[\t\r ]*$/, '').trimEnd() : statement

function masked({ lexis, script }: Dialect, text: string): string {
  const parts: string[] = []
  const inBlock = blockWatch(text, script)
  let copied = 0
  for (const token of tokens(text, lexis)) {
    const { kind, start, end } = token
    const mask = kind === 'comment' ? ' ' : kind === 'literal' ? 'x' : undefined
    if (mask === undefined && !inBlock(token)) continue
    parts.push(text.slice(copied, start), (mask ?? 'x').repeat(end - start))
    copied = end
  }
  return parts.join('') + text.slice(copied)
}

const routine =
  /^CREATE (?:OR REPLACE )?(?:(?:NON)?EDITIONABLE )?(?:PROCEDURE|FUNCTION|PACKAGE|TRIGGER|TYPE|LIBRARY)\b/

/** Says of a semicolon whether it stands inside of a block, from the tokens so far. */
function blockWatch(text: string, { blocks, plsql }: Dialect['script']): (token: Token) => boolean {
  /** The first words of the statement, as far as they tell what it is. */
  let head: string[] = []
  let open: string[] = []
  let last = ''
  const startAnew = () => {
    head = []
    open = []
  }
  return ({ kind, start, end }) => {
    const isFirst = last === ''
    if (kind === 'word') {
      const word = text.slice(start, end).toUpperCase()
      if (head.length < 5) head.push(word)
      if (blocks !== undefined) follow(word)
      last = word
      return false
    }
    const symbol = text.slice(start, end)
    const isSemicolon = symbol === ';'
    if (plsql && symbol === '/' && isAlone(text, start)) {
      startAnew()
      last = ''
      return false
    }
    if (!isSemicolon) {
      if (kind !== 'comment') last = symbol
      return false
    }
    const isInside = open.length > 0 || (plsql === true && isProgram(head.join(' ')))
    if (!isInside) startAnew()
    last = isInside || isFirst ? last : ''
    return isInside
  }

  function follow(word: string): void {
    const isTrigger = blocks === 'trigger' && head[0] === 'CREATE' && head.includes('TRIGGER')
    if (word === 'CASE' && open.length > 0) open.push(word)
    else if (word === 'BEGIN' && isTrigger) open.push(word)
    else if (word === 'ATOMIC' && last === 'BEGIN' && blocks === 'atomic') open.push(word)
    else if (word === 'END') open.pop()
  }
}

const isProgram = (head: string): boolean => /^(?:BEGIN|DECLARE)\b/.test(head) || routine.test(head)

const isAlone = (text: string, at: number): boolean =>
  /(?:^|\n)[\t ]*$/.test(text.slice(Math.max(0, at - 100), at)) &&
  /^\/[\t\r ]*(?:\n|$)/.test(text.slice(at, at + 100))
