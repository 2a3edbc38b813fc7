import { fieldsLeftOut } from './claims.ts'
import type { Received } from './send-step.ts'

/**
 * Brings a recorded and a received answer to a common form: ids and ports become the role they play,
 * dates, latencies, versions and request ids become their shape.
 */
export function createComparison(recordedToHere: ReadonlyMap<number, number>, windowsAligned: boolean) {
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
  const recordedRoles = new Map<string, string>()
  const hereRoles = new Map<string, string>()
  const hereById = new Map<string, string>()
  const portRoles = {
    recorded: new Map([...recordedToHere.keys()].map((port) => [port, `port:${port}`])),
    here: new Map([...recordedToHere].map(([recorded, here]) => [here, `port:${recorded}`])),
  }

  /** Pairs the ids that the two answers hold at the same place. */
  function learn(recorded: unknown, here: unknown): void {
    if (typeof recorded !== 'object' || typeof here !== 'object' || recorded === null || here === null) return
    for (const [key, value] of Object.entries(recorded)) {
      const other = (here as Record<string, unknown>)[key]
      if (
        key === 'id' &&
        typeof value === 'string' &&
        typeof other === 'string' &&
        !recordedRoles.has(value)
      ) {
        const role = `id:${recordedRoles.size}`
        recordedRoles.set(value, role)
        hereRoles.set(other, role)
        hereById.set(value, other)
      } else {
        learn(value, other)
      }
    }
  }

  function canonicalText(text: string, side: 'recorded' | 'here'): string {
    const roles = side === 'recorded' ? recordedRoles : hereRoles
    return text
      .replace(uuid, (id) => roles.get(id.toLowerCase()) ?? 'id:unknown')
      .replace(/\b[0-9a-f]{32}\b/g, (hex) => (hex.startsWith('deadbeef') ? hex : 'hex32'))
      .replace(/kong\/\d+\.\d+\.\d+/g, 'kong/version')
      .replace(/\b\d{4,5}\b/g, (digits) => portRoles[side].get(Number(digits)) ?? digits)
      .replace(/offset=[\w-]+/, 'offset=cursor')
  }

  function rawHeaders(list: string[], side: 'recorded' | 'here'): string[] {
    const headers: string[] = []
    for (let i = 0; i < list.length; i += 2) {
      const name = (list[i] ?? '').toLowerCase()
      const value = canonicalText(list[i + 1] ?? '', side)
      if (name === 'connection' || (name === 'content-length' && value === '0')) continue
      headers.push(`${name}: ${value}`)
    }
    return headers.sort()
  }

  function canonical(value: unknown, side: 'recorded' | 'here'): unknown {
    if (typeof value === 'string') return canonicalText(value, side)
    if (typeof value === 'number') return portRoles[side].get(value) ?? value
    if (Array.isArray(value)) return value.map((item) => canonical(item, side))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !fieldsLeftOut.has(key))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, item]) => {
          if (key === 'created_at' || key === 'updated_at') return [key, typeof item]
          if (key === 'offset') return [key, typeof item]
          if (key === 'rawHeaders') return [key, rawHeaders(item as string[], side)]
          return [key, canonical(item, side)]
        }),
    )
  }

  const hidden = new Set(['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding'])
  // Against a running clock a window ends some seconds later or earlier than in the recording.
  const numeric = windowsAligned ? /-latency$/ : /-latency$|^ratelimit-reset$|^retry-after$/

  function headers(list: [string, string][], side: 'recorded' | 'here', admin: boolean): string[] {
    return list
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => !hidden.has(name) && !(admin && name.startsWith('access-control-')))
      .map(([name, value]) =>
        numeric.test(name) ? `${name}: number` : `${name}: ${canonicalText(value, side)}`,
      )
      .sort()
  }

  return {
    learn,
    canonical,
    headers,
    canonicalText,
    /** The id here for a recorded one, in any text. */
    translateIds: (text: string) => text.replace(uuid, (id) => hereById.get(id.toLowerCase()) ?? id),
    knows: (recordedId: string) => recordedRoles.has(recordedId),
  }
}

export type Comparison = ReturnType<typeof createComparison>

export function bodyOf({ body, headers }: Received): unknown {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  return body !== '' && type.includes('application/json') ? (JSON.parse(body) as unknown) : undefined
}
