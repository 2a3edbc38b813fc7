/** A value as the bytes of its JSON, so that it can be overwritten. */
export interface SealedEntry<Value> {
  bytes: Buffer
  /** Only for the compiler. */
  value?: Value
}

export function sealEntry<Value>(value: Value): SealedEntry<Value> {
  const text = JSON.stringify(value)
  // Not of the pool that Buffer.from() takes small ones of: its bytes are handed out again.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return { bytes }
}

export const openEntry = <Value>({ bytes }: SealedEntry<Value>): Value =>
  JSON.parse(bytes.toString()) as Value

export function wipeEntry({ bytes }: SealedEntry<unknown>): void {
  bytes.fill(0)
}
