/** Which version of which credential an answer shows. */
export const etagOf = ({ id, version }: { id: number; version: number }) => `"${id}-${version}"`

/** RFC 9110 §13.1.2, by weak comparison; `*` means any version. */
export const matchesEtag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? '')
    .split(',')
    .map((given) => given.trim().replace(/^W\//, ''))
    .some((given) => given === '*' || given === etag)
