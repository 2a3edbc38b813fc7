import { AppError } from '@opsconductor/errors'

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/**
 * Throws `invalid_request` naming the field where an object of the JSON text has two of the same name: parsers disagree
 * which of the two counts. `members` is how many the parsed value has, in all its objects. One pass over the bytes: a
 * parser keeps one of the two, so the text has more members than the value.
 */
export function assertNoRepeatedMembers(json: Buffer, members: number): void {
  if (countMembers(json) === members) return
  const path = repeatedMember(json.toString('utf8'))
  throw new AppError('invalid_request', `${path} is given twice`, {
    errors: [{ path, message: 'is given twice' }],
  })
}

/** The colons outside of strings. No byte of a longer UTF-8 character looks like one of ASCII. */
function countMembers(json: Buffer): number {
  let members = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === colon) members++
    else if (byte === quote) at = endOfString(json, at)
  }
  return members
}

function endOfString(json: Buffer, start: number): number {
  let at = start + 1
  for (; at < json.length && json[at] !== quote; at++) if (json[at] === backslash) at++
  return at
}

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

interface Open {
  path: string
  /** Of an object; none for an array. */
  names: Set<string> | undefined
  /** Of an array: the index of the item that comes now. */
  index: number
}

/** Where the text, which a parser took, has a name for the second time; only looked for when it is known to. */
function repeatedMember(text: string): string {
  const open: Open[] = []
  let path = 'body'
  let awaitsName = false
  for (const [found] of text.matchAll(token)) {
    const top = open.at(-1)
    if (found === '{' || found === '[') {
      open.push({ path, names: found === '{' ? new Set() : undefined, index: 0 })
      awaitsName = found === '{'
      if (found === '[') path = `${path}[0]`
    } else if (found === '}' || found === ']') {
      path = open.pop()?.path ?? 'body'
    } else if (found === ',' && top !== undefined) {
      awaitsName = top.names !== undefined
      if (top.names === undefined) path = `${top.path}[${++top.index}]`
    } else if (awaitsName && top?.names !== undefined) {
      const name = JSON.parse(found) as string
      path = `${top.path}.${name.slice(0, 100)}`
      if (top.names.has(name)) return path.slice(0, 300)
      top.names.add(name)
      awaitsName = false
    }
  }
  return 'body'
}
