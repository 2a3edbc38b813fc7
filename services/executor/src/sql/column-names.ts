/** What a column's name is cut to. */
const nameMax = 200

/**
 * The keys of a row's object, one for each column: a name that stands twice gets `_2`, `_3`, …, so that no value hides
 * another; a column without a name, or with one that objects do not keep as their own, is `column_` and its place.
 */
export function columnKeys(names: readonly string[]): string[] {
  const given = new Set(names)
  const taken = new Set<string>()
  return names.map((full, index) => {
    const name = full === '' || full === '__proto__' ? `column_${index + 1}` : full.slice(0, nameMax)
    let key = name
    for (let copy = 2; taken.has(key) || (key !== full && given.has(key)); copy++) key = `${name}_${copy}`
    taken.add(key)
    return key
  })
}
