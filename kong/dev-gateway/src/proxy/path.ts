/**
 * Paths are handled as "byte strings": one UTF-16 unit per byte, as Node hands out request URLs, so
 * that `%C3%A9` in a request and `é` in a route meet without ever building invalid UTF-8.
 */
export const bytesOf = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

const reserved = new Set([...`!"#$%&'()*+,/:;=?@[]`].map((character) => character.charCodeAt(0)))
const needsWork = /%|\/\/|\/\.|[^\x21-\x7e]/
const mustEscape = /[^A-Za-z0-9\-_.~!*'();:@&=+$,/?%#[\]]/g

/** Undefined when the path climbs above the root or holds a broken or NUL escape: Kong answers 400. */
export function normalizePath(path: string): string | undefined {
  if (!needsWork.test(path)) return path
  if (/%(?![0-9a-fA-F]{2})|%00/.test(path)) return undefined
  const decoded = path.replace(/%[0-9a-fA-F]{2}/g, (encoded) => {
    const code = Number.parseInt(encoded.slice(1), 16)
    return reserved.has(code) ? encoded.toUpperCase() : String.fromCharCode(code)
  })
  return removeDotSegments(decoded.replace(/\/{2,}/g, '/'))
}

function removeDotSegments(path: string): string | undefined {
  if (!path.includes('/.')) return path
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    if (segment === '..') {
      if (kept.pop() === undefined) return undefined
    } else if (segment !== '.') {
      kept.push(segment)
      continue
    }
    if (last) kept.push('')
  }
  return `/${kept.join('/')}`
}

export const escapePath = (path: string) =>
  path.replace(mustEscape, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)

/**
 * Kong's path_handling v0. `rest` is what follows the matched prefix when it is stripped.
 * Kong's default router flavour treats v1 the same way (recorded in transcript 11).
 */
export function upstreamPath(servicePath: string | null, path: string, rest: string | undefined): string {
  const base = servicePath ?? '/'
  const trimmed = base.endsWith('/') ? base.slice(0, -1) : base
  if (rest === undefined) return path === '/' && !base.endsWith('/') ? base : trimmed + path
  if (rest !== '') return rest.startsWith('/') ? trimmed + rest : `${trimmed}/${rest}`
  const endsWithSlash = path.length > 1 && path.endsWith('/')
  return endsWithSlash ? `${trimmed}/` : trimmed || '/'
}
