import { DecryptionError, type FernetKey, openFernetToken } from '@opsconductor/crypto'
import { z } from 'zod'

const OldRow = z.object(
  {
    name: z.string('must be a text').trim().min(1, 'is empty'),
    type: z.string('must be a text'),
    secret_encrypted: z.string('must be a text'),
    extra: z.record(z.string(), z.json(), 'must be an object').nullish(),
    description: z.string('must be a text').nullish(),
    is_active: z.boolean('must be true or false').nullish(),
    project_id: z.uuid('must be a UUID').nullish(),
  },
  'must be an object in JSON',
)

/** A credential of the old system, its secret in clear. */
export interface OpenedRow {
  line: number
  /** Undefined: of the only project of whoever imports it. */
  projectId: string | undefined
  /** What `POST /api/credentials` takes. */
  credential: {
    name: string
    type: string
    secret: string | Record<string, string>
    extra: Record<string, unknown>
    description: string | null
    is_active: boolean
  }
}

/** A line that cannot be imported, and why; quotes neither token nor secret. */
export interface RowFault {
  line: number
  name: string | undefined
  message: string
}

export interface OldRows {
  rows: OpenedRow[]
  faults: RowFault[]
}

/** Reads JSON Lines of the old system's rows and opens every token. Rows without a project are of `defaultProjectId`. */
export async function openOldRows(
  lines: AsyncIterable<string>,
  key: FernetKey,
  defaultProjectId?: string,
): Promise<OldRows> {
  const rows: OpenedRow[] = []
  const faults: RowFault[] = []
  const lineOf = new Map<string, number>()
  let line = 0
  for await (const text of lines) {
    line++
    if (text.trim() === '') continue
    const opened = openRow(line, text, key, defaultProjectId)
    if ('message' in opened) {
      faults.push(opened)
      continue
    }
    const { name } = opened.credential
    const place = JSON.stringify([opened.projectId, name])
    const before = lineOf.get(place)
    if (before === undefined) rows.push(opened)
    else faults.push({ line, name, message: `line ${before} has the same name in the same project` })
    lineOf.set(place, before ?? line)
  }
  return { rows, faults }
}

function openRow(
  line: number,
  text: string,
  key: FernetKey,
  defaultProjectId: string | undefined,
): OpenedRow | RowFault {
  const parsed = OldRow.safeParse(parseJson(text))
  if (!parsed.success) {
    const message = parsed.error.issues
      .map((issue) => `${issue.path.join('.') || 'the line'} ${issue.message}`)
      .join('; ')
    return { line, name: nameIn(text), message }
  }
  const { name, type, secret_encrypted, extra, description, is_active, project_id } = parsed.data
  try {
    const bytes = openFernetToken(key, secret_encrypted)
    const secret = toSecret(type, new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    bytes.fill(0)
    const credential = {
      name,
      type,
      secret,
      extra: extra ?? {},
      description: description ?? null,
      is_active: is_active ?? true,
    }
    return { line, projectId: project_id ?? defaultProjectId, credential }
  } catch (error) {
    if (error instanceof DecryptionError) return { line, name, message: error.message }
    return { line, name, message: 'The secret is not a text in UTF-8.' }
  }
}

/**
 * The old system kept one text per credential. An SSH key has a field of its own here, and a text that is an object of
 * texts is taken for the parts of a type that has several.
 */
function toSecret(type: string, text: string): string | Record<string, string> {
  if (type === 'ssh' && text.startsWith('-----BEGIN ')) return { private_key: text }
  if (type !== 'ssh' && type !== 'custom') return text
  const parts = z.record(z.string(), z.string()).safeParse(parseJson(text))
  return parts.success && Object.keys(parts.data).length > 0 ? parts.data : text
}

function nameIn(text: string): string | undefined {
  const parsed = z.object({ name: z.string() }).safeParse(parseJson(text))
  return parsed.success ? parsed.data.name : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
