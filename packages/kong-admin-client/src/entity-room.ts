import { KongAdminError } from './kong-admin-error.ts'
import type { Send } from './send.ts'

export interface ListOptions {
  /** Entities that carry all of them. */
  tags?: string[]
  /** Per page, 1–1000. */
  size?: number
}

export interface EntityRoom<Entity, Input> {
  /** Undefined when there is none. */
  get(idOrName: string): Promise<Entity | undefined>
  /** Creates or replaces: a field left out goes back to its default. */
  put(idOrName: string, body: Input): Promise<Entity>
  /** Changes the given fields; null unsets. `not_found` when there is none. */
  patch(idOrName: string, body: Input): Promise<Entity>
  create(body: Input): Promise<Entity>
  /** Also done when there was none. */
  delete(idOrName: string): Promise<void>
  /** Page by page while it is walked, ordered by id. */
  list(options?: ListOptions): AsyncIterable<Entity>
}

interface Page<Entity> {
  data: Entity[]
  next: string | null
}

const pageSize = 1000

async function* pages<Entity>(send: Send, path: string, { tags, size = pageSize }: ListOptions) {
  const first = new URLSearchParams({ size: String(size) })
  if (tags && tags.length > 0) first.set('tags', tags.join(','))
  let next: string | null = `${path}?${first}`
  const asked = new Set<string>()
  while (next !== null) {
    if (asked.has(next)) throw new KongAdminError('unavailable', `Kong pages ${path} in a circle`)
    asked.add(next)
    const { body } = await send('GET', next)
    const page = body as Page<Entity>
    if (!Array.isArray(page.data)) throw new KongAdminError('unavailable', `Kong sent no list for ${path}`)
    yield* page.data
    next = page.next === null || page.next === undefined ? null : followed(path, page.next, size)
  }
}

/** Kong drops the size from the `next` of nested lists. Only the query is taken: the token stays here. */
function followed(path: string, next: string, size: number): string {
  const query = new URLSearchParams(next.split('?')[1] ?? '')
  if (!query.has('size')) query.set('size', String(size))
  return `${path}?${query}`
}

const missing = (error: unknown) => error instanceof KongAdminError && error.kind === 'not_found'

export function listAt<Entity>(send: Send, path: string, options: ListOptions = {}): AsyncIterable<Entity> {
  return pages<Entity>(send, path, options)
}

export function entityRoom<Entity, Input extends object>(
  send: Send,
  path: string,
): EntityRoom<Entity, Input> {
  const at = (idOrName: string) => {
    // An empty name would turn one entity into the whole collection.
    if (idOrName === '' || idOrName === '.' || idOrName === '..') {
      throw new KongAdminError('refused', `${JSON.stringify(idOrName)} names no entity of ${path}`)
    }
    return `${path}/${encodeURIComponent(idOrName)}`
  }
  const entity = async (answer: ReturnType<Send>) => (await answer).body as Entity
  return {
    async get(idOrName) {
      try {
        return await entity(send('GET', at(idOrName)))
      } catch (error) {
        if (missing(error)) return undefined
        throw error
      }
    },
    put: async (idOrName, body) => entity(send('PUT', at(idOrName), body)),
    patch: async (idOrName, body) => entity(send('PATCH', at(idOrName), body)),
    create: async (body) => entity(send('POST', path, body)),
    async delete(idOrName) {
      try {
        await send('DELETE', at(idOrName))
      } catch (error) {
        if (!missing(error)) throw error
      }
    },
    list: (options) => listAt<Entity>(send, path, options),
  }
}
