/** Headers as Node, undici or a framework hands them over. */
export type ReceivedHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export type HeaderFault = 'missing_header' | 'duplicate_header'

/** The one value of a header in whatever spelling. A header that came twice is refused: two readers may pick different ones. */
export function singleHeader(
  headers: ReceivedHeaders,
  name: string,
): { value: string } | { fault: HeaderFault } {
  const values = Object.entries(headers)
    .filter(([key, value]) => key.toLowerCase() === name && value !== undefined)
    .flatMap(([, value]) => value)
  const [value] = values
  if (typeof value !== 'string' || value === '') return { fault: 'missing_header' }
  return values.length > 1 ? { fault: 'duplicate_header' } : { value }
}
