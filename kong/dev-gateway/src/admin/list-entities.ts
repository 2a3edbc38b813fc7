import type { Entity } from '../entities/kinds.ts'
import { badOffset, badSize, badTags } from './admin-error.ts'

const defaultSize = 100

function pageSize(asked: string | null): number {
  if (asked === null) return defaultSize
  const size = Number(asked)
  if (asked.trim() === '' || Number.isNaN(size)) throw badSize('size must be a number')
  if (!Number.isInteger(size) || size < 1 || size > 1000) {
    throw badSize('size must be an integer between 1 and 1000')
  }
  return size
}

const offsetAfter = (id: string) => Buffer.from(JSON.stringify([id])).toString('base64url')

function idBefore(offset: string): string {
  try {
    const [id] = JSON.parse(Buffer.from(offset, 'base64url').toString('utf8')) as unknown[]
    if (typeof id === 'string') return id
  } catch {
    // Told below, as what parses but holds no id.
  }
  throw badOffset(offset)
}

/** `a,b` asks for both tags, `a/b` for any. */
function tagFilter(asked: string | null): (entity: Entity) => boolean {
  if (asked === null) return () => true
  if (asked === '') throw badTags('cannot be null')
  if (asked.includes(',') && asked.includes('/')) throw badTags('invalid filter syntax')
  const any = asked.includes('/')
  const wanted = asked.split(any ? '/' : ',')
  return ({ tags }) => {
    const has = (tag: string) => tags?.includes(tag) ?? false
    return any ? wanted.some(has) : wanted.every(has)
  }
}

/**
 * One page of `entities` (ordered by id), after `?offset=`, filtered by `?tags=`.
 * Kong drops the size from the `next` of nested lists; so does this.
 */
export function pageOf(entities: Entity[], path: string, query: URLSearchParams, nested: boolean) {
  const size = pageSize(query.get('size'))
  const asked = query.get('offset')
  const after = asked === null ? '' : idBefore(asked)
  const tags = query.get('tags')
  const hasTags = tagFilter(tags)
  const found = entities.filter((entity) => entity.id > after && hasTags(entity))
  const data = found.slice(0, size)
  const last = data.at(-1)
  if (found.length <= size || !last) return { data, next: null }
  const offset = offsetAfter(last.id)
  const keptTags = tags === null ? '' : `&tags=${encodeURIComponent(tags)}`
  const keptSize = nested || !query.has('size') ? '' : `&size=${size}`
  return { data, offset, next: `${path}?offset=${offset}${keptTags}${keptSize}` }
}
