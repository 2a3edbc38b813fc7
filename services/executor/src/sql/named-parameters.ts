/** Literals, comments and casts, where a colon means no parameter; then `:name`. */
const pattern =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$|::|:([A-Za-z_]\w*)/g

/** `:name` as `$1`, `$2`, … with the values in that order; `unused` names what the text never mentions. */
export function bindNamed(
  sql: string,
  parameters: Readonly<Record<string, unknown>>,
): { sql: string; values: unknown[]; unused: string[] } {
  const places = new Map<string, number>()
  const text = sql.replaceAll(pattern, (match: string, _tag: unknown, name: string | undefined) => {
    if (name === undefined || !Object.hasOwn(parameters, name)) return match
    if (!places.has(name)) places.set(name, places.size + 1)
    return `$${places.get(name)}`
  })
  return {
    sql: text,
    values: [...places.keys()].map((name) => parameters[name]),
    unused: Object.keys(parameters).filter((name) => !places.has(name)),
  }
}
