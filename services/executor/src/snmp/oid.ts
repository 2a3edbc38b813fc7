/** An object identifier in numbers: two arcs at least, 128 at most (RFC 2578 section 3.5), each of 32 bits. */
export function isOid(text: string): boolean {
  if (text.length > 1500 || !/^[012](?:\.(?:0|[1-9]\d{0,9}))+$/.test(text)) return false
  const arcs = text.split('.')
  if (arcs.length > 128 || arcs.some((arc) => Number(arc) > 0xffff_ffff)) return false
  return arcs[0] === '2' || Number(arcs[1]) < 40
}

/** Negative where `a` comes before `b` in the order of a walk. Reads no more of them than it must, and makes nothing. */
export function compareOids(a: string, b: string): number {
  let inA = 0
  let inB = 0
  while (inA < a.length && inB < b.length) {
    let arcA = 0
    let arcB = 0
    for (let code = a.charCodeAt(inA++); code >= 48; code = a.charCodeAt(inA++)) arcA = arcA * 10 + code - 48
    for (let code = b.charCodeAt(inB++); code >= 48; code = b.charCodeAt(inB++)) arcB = arcB * 10 + code - 48
    if (arcA !== arcB) return arcA - arcB
  }
  return (inA < a.length ? 1 : 0) - (inB < b.length ? 1 : 0)
}

/** Whether the OID stands below the other. */
export const isBelow = (oid: string, root: string): boolean =>
  oid.length > root.length && oid.charCodeAt(root.length) === 46 && oid.startsWith(root)
