/** What a PromQL expression names, without its functions: metrics and, apart from them, labels. */
export function namesIn(expr: string) {
  const labels: string[] = []
  const rest = expr
    .replaceAll(/\{([^}]*)\}/g, (_all, matchers: string) => {
      labels.push(...[...matchers.matchAll(/(\w+)\s*[=!]/g)].map(([, name]) => name as string))
      return ' '
    })
    .replaceAll(/\bby \(([^)]*)\)/g, (_all, names: string) => {
      labels.push(...names.split(',').map((name) => name.trim()))
      return ' '
    })
  const metrics = [...rest.matchAll(/\b[a-z]+(?:_[a-z]+)+\b(?! ?\()/g)].map(([name]) => name)
  return { labels, metrics }
}
