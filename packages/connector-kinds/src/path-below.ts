import { refuseInput } from './refuse-input.ts'

const at = 'input.url'

/**
 * The URL of a path below `base`: `/orders/7`, `orders/7`, `?page=2`, or nothing for the base itself. Templates pass as
 * they are written; what they rendered to must be held against this again. Throws `validation_failed` where the path would
 * leave the base, at us or at a server that decodes it once or twice more.
 */
export function pathBelow(base: string, path: unknown = ''): string {
  if (typeof path !== 'string') throw refuseInput(at, "must be a path below the connector's base URL")
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith('//'))
    throw refuseInput(at, "must be a path, not an address: the connector's base URL stands before it")
  if (/[\\\p{Cc}\p{Cs}]/u.test(path)) throw refuseInput(at, 'must not hold \\ or control characters')
  for (const segment of path.split(/[?#]/, 1).join('').split('/')) assertStays(segment)
  if (path === '') return base
  const joined = `${base.replace(/\/+$/, '')}${/^[?#]/.test(path) ? '' : '/'}${path.replace(/^\//, '')}`
  if (!isBelow(new URL(base), joined)) throw leaves()
  return joined
}

const leaves = () => refuseInput(at, "must stay below the connector's base URL")

function assertStays(segment: string): void {
  const parts = readAsServersDo(segment).split(/[/\\]/)
  // Java servers cut what follows a semicolon off; some others cut spaces off.
  if (parts.some((part) => /^\s*\.\.?\s*(;|$)/.test(part))) throw leaves()
}

const decodings = 5

/** Percent-encoding taken off as often as somebody between us and the application might, and look-alikes made plain. */
function readAsServersDo(segment: string): string {
  let text = decodeOnce(segment)
  for (let left = decodings; ; left--) {
    if (/\p{Cc}/u.test(text)) throw refuseInput(at, 'must not hold control characters')
    const next = text.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    if (next === text) return text.normalize('NFKC')
    if (left === 0) throw refuseInput(at, 'must not be percent-encoded so often')
    text = next
  }
}

/** Strictly: overlong UTF-8 (`%c0%ae`) is a dot to some. */
function decodeOnce(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw refuseInput(at, 'must be percent-encoded UTF-8')
  }
}

function isBelow(base: URL, text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  const folder = base.pathname.replace(/\/+$/, '')
  return (
    url.origin === base.origin &&
    url.username === '' &&
    url.password === '' &&
    (url.pathname === base.pathname || url.pathname === folder || url.pathname.startsWith(`${folder}/`))
  )
}
