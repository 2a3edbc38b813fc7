/**
 * The DNS names and IP addresses of Node's `subjectAltName`, a text like `DNS:a.example, IP Address:10.0.0.1`. A name with
 * characters that could pass for another entry stands in it as a JSON string (CVE-2021-44532).
 */
export function alternativeNamesOf(text: string | undefined): string[] {
  const names: string[] = []
  for (const [, kind, value = ''] of (text ?? '').matchAll(entry))
    if (kind === 'DNS' || kind === 'IP Address') names.push(unquoted(value))
  return names
}

const entry = /(?:^|, )([^:",]+):("(?:[^"\\]|\\.)*"|[^",]*)/g

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value
  try {
    return String(JSON.parse(value))
  } catch {
    return value
  }
}
