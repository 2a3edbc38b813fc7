/** RFC 2579 section 3.1: how a textual convention's values are written. Undefined where hint and value do not fit. */
export function displayInteger(hint: string, value: number): string | undefined {
  const [, format, digits] = /^([xbod])(?:-(\d{1,2}))?$/.exec(hint) ?? []
  if (format === undefined) return undefined
  const sign = value < 0 ? '-' : ''
  const text = Math.abs(value).toString({ x: 16, b: 2, o: 8, d: 10 }[format])
  const places = format === 'd' ? Number(digits ?? 0) : 0
  if (places === 0) return sign + text
  const padded = text.padStart(places + 1, '0')
  return `${sign}${padded.slice(0, -places)}.${padded.slice(-places)}`
}

interface OctetFormat {
  repeats: boolean
  length: number
  format: string
  separator: string
  terminator: string
}

const partPattern = /(\*?)(\d{1,4})([xdoat])([^\d*]?)([^\d*]?)/y
const partsMax = 100
const charactersMax = 10_000

function parseOctetHint(hint: string): OctetFormat[] | undefined {
  const parts: OctetFormat[] = []
  partPattern.lastIndex = 0
  while (partPattern.lastIndex < hint.length) {
    const [, star, length, format, separator = '', second = ''] = partPattern.exec(hint) ?? []
    if (format === undefined || parts.length >= partsMax) return undefined
    // Only a repeated part has a terminator; otherwise the second character cannot be one of the pattern's.
    if (star === '' && second !== '') return undefined
    const part = { repeats: star === '*', length: Number(length), format, separator, terminator: second }
    if (/[do]/.test(format) && part.length > 8) return undefined
    parts.push(part)
  }
  return parts.length === 0 ? undefined : parts
}

export function displayOctets(hint: string, octets: Buffer): string | undefined {
  const parts = parseOctetHint(hint)
  if (parts === undefined) return undefined
  let text = ''
  let at = 0
  for (let index = 0; at < octets.length && text.length < charactersMax; index++) {
    const part = parts[Math.min(index, parts.length - 1)] as OctetFormat
    let repeats = 1
    // The last part is used again and again; one that takes nothing would never end.
    if (part.length === 0 && index >= parts.length - 1) return undefined
    if (part.repeats) repeats = octets[at++] as number
    for (let time = 1; time <= repeats && at < octets.length && text.length < charactersMax; time++) {
      const taken = octets.subarray(at, at + part.length)
      at += part.length
      text += displayPart(part.format, taken)
      const isLast = at >= octets.length || (time === repeats && part.terminator !== '')
      if (!isLast) text += part.separator
    }
    if (part.terminator !== '' && at < octets.length) text += part.terminator
  }
  return text
}

function displayPart(format: string, octets: Buffer): string {
  if (format === 'a' || format === 't') return octets.toString(format === 'a' ? 'latin1' : 'utf8')
  if (format === 'x') return octets.toString('hex')
  let number = 0n
  for (const octet of octets) number = number * 256n + BigInt(octet)
  return number.toString(format === 'o' ? 8 : 10)
}
