/** Whether glob(3), as `include` uses it, finds the path: `*` and `?` stand for characters of one part. */
export function matchesGlob(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const parts = path.split('/')
  return (
    wanted.length === parts.length && wanted.every((part, index) => matchesPart(part, parts[index] ?? ''))
  )
}

function matchesPart(pattern: string, text: string): boolean {
  // A hidden file is named, never found.
  if (text.startsWith('.') && !pattern.startsWith('.')) return false
  let [p, t] = [0, 0]
  let star: { p: number; t: number } | undefined
  while (t < text.length) {
    if (pattern[p] === '*') star = { p: ++p, t }
    else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star !== undefined) {
      star.t++
      ;({ p, t } = star)
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
