/** Of headers by lower-case names; a name may be one that every object has. */
export function headerOf(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  const key = name.toLowerCase()
  return Object.hasOwn(headers, key) ? headers[key] : undefined
}
