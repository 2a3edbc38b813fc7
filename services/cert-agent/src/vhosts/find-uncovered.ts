/**
 * The first of the server names that a certificate for `certificateNames` is not valid for (RFC 6125 section 6.4.3: a
 * wildcard stands for one whole label, the leftmost). `_`, which no client asks for, needs none.
 */
export function findUncovered(
  certificateNames: readonly string[],
  serverNames: readonly string[],
): number | undefined {
  const covered = new Set(certificateNames)
  const index = serverNames.findIndex(
    (name) => name !== '_' && !covered.has(name) && !covered.has(name.replace(/^[^.*]+\./, '*.')),
  )
  return index < 0 ? undefined : index
}
