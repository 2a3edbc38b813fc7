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

function offsetId(asked: string | null): string | undefined {
  if (asked === null) return undefined
  try {
    const [id] = JSON.parse(Buffer.from(asked, 'base64url').toString('utf8')) as unknown[]
    if (typeof id === 'string') return id
  } catch {
    throw badOffset(asked)
  }
  throw badOffset(asked)
}

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
 * One page of what `entities` holds (ordered by id), after `?offset=`, filtered by `?tags=`.
 * Kong drops the size from the `next` of nested lists; so does this.
 */
export function pageOf(entities: Entity[], path: string, query: URLSearchParams, nested: boolean) {
  const size = pageSize(query.get('size'))
  const after = offsetId(query.get('offset'))
  const tags = query.get('tags')
  const hasTags = tagFilter(tags)
  const customId = path === '/consumers' ? query.get('custom_id') : null
  const found = entities.filter(
    (entity) =>
      (after === undefined || entity.id > after) &&
      hasTags(entity) &&
      (customId === null || entity.custom_id === customId),
  )
  const data = found.slice(0, size)
  const last = data.at(-1)
  if (found.length <= size || !last) return { data, next: null }
  const offset = Buffer.from(JSON.stringify([last.id])).toString('base64url')
  const keptTags = tags === null ? '' : `&tags=${encodeURIComponent(tags)}`
  const keptSize = nested || !query.has('size') ? '' : `&size=${size}`
  return { data, offset, next: `${path}?offset=${offset}${keptTags}${keptSize}` }
}
