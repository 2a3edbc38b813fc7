/** A text to find. `before` and `after`: neighbours that, in base64, carry some bits of the secret too. */
export interface Needle {
  text: string
  before: number
  after: number
}

/** Shorter secrets are refused where they are made; removing them by value would tear everything else apart. */
export const secretLengthMin = 4
/** A part of a secret shorter than this is not looked for on its own. */
const lineLengthMin = 16
/** Long forms are looked for in pieces, which bounds the work at every place of the text. */
const pieceBytes = 64

/** Every form of a secret that a target might echo, as byte strings; decodings of the text are `viewsOf`'s part. */
export function needlesOf(secret: string): Needle[] {
  if (secret.length < secretLengthMin) return []
  const needles: Needle[] = []
  for (const form of writings(secret)) {
    const bytes = Buffer.from(form)
    needles.push(...pieces(bytes.toString('latin1')), ...pieces(bytes.toString('hex')))
    needles.push(...pieces(bytes.toString('hex').toUpperCase()))
    for (const offset of [0, 1, 2]) needles.push(...base64Needles(bytes, offset))
  }
  for (const line of lines(secret)) needles.push(...pieces(Buffer.from(line).toString('latin1')))
  return needles
}

/** The secret as given, and as it looks after line ends were changed, trimmed or taken out. */
function writings(secret: string): Set<string> {
  const unix = secret.replaceAll('\r\n', '\n')
  const all = [
    secret,
    secret.trim(),
    unix,
    unix.trim(),
    unix.replaceAll('\n', '\r\n'),
    unix.replaceAll(/[\r\n]+[ \t]*/g, ''),
  ]
  return new Set(all.filter((text) => text.length >= secretLengthMin))
}

/** The lines of a key, without the BEGIN and END that every key has. */
function lines(secret: string): string[] {
  const all = secret.split(/[\r\n]+/).map((line) => line.trim())
  return all.length < 2 ? [] : all.filter((line) => line.length >= lineLengthMin && !line.startsWith('-----'))
}

/** What is sure to stand in the base64 of any bytes that hold the secret at a distance of `offset` modulo 3. */
function base64Needles(bytes: Buffer, offset: number): Needle[] {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const startsInside = offset > 0
  const endsInside = ((offset + bytes.length) * 8) % 6 !== 0
  const sure = text.slice(startsInside ? offset + 1 : 0, endsInside ? -1 : undefined)
  const urlSafe = sure.replaceAll('+', '-').replaceAll('/', '_')
  return [sure, urlSafe].flatMap((form) => pieces(form, Number(startsInside), Number(endsInside)))
}

function pieces(text: string, before = 0, after = 0): Needle[] {
  if (text.length < secretLengthMin) return []
  if (text.length <= pieceBytes) return [{ text, before, after }]
  const found: Needle[] = []
  for (let at = 0; at + pieceBytes < text.length; at += pieceBytes)
    found.push({ text: text.slice(at, at + pieceBytes), before: at === 0 ? before : 0, after: 0 })
  found.push({ text: text.slice(-pieceBytes), before: 0, after })
  return found
}
