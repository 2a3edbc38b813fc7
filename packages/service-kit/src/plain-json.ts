import { AppError } from '@opsconductor/errors'

interface Node {
  value: unknown
  key: string
  parent: Node | undefined
  depth: number
}

/** Deeper bodies have no use, and would overflow the stack of whoever walks them by recursion. */
const depthMax = 64

const unstorable = (text: string) => text.includes('\0') || !text.isWellFormed()

/**
 * Throws `validation_failed` naming the field where a JSON value holds what PostgreSQL or UTF-8 cannot carry (NUL, lone
 * surrogates), in a string or a name, or is nested too deeply. Walks without recursion; answers how many members all the
 * objects of the value have.
 */
export function assertPlainJson(value: unknown, part: string): number {
  let members = 0
  const waiting: Node[] = [{ value, key: part, parent: undefined, depth: 0 }]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (typeof node.value === 'string') {
      if (unstorable(node.value)) throw refuse(node, 'must not contain NUL or half a surrogate pair')
    } else if (typeof node.value === 'object' && node.value !== null) {
      if (node.depth >= depthMax) throw refuse(node, 'is nested too deeply')
      const inArray = Array.isArray(node.value)
      for (const [name, child] of Object.entries(node.value)) {
        if (!inArray && unstorable(name))
          throw refuse(node, 'has a name that contains NUL or half a surrogate pair')
        if (!inArray) members++
        const key = inArray ? `[${name}]` : `.${name}`
        waiting.push({ value: child, key, parent: node, depth: node.depth + 1 })
      }
    }
  }
  return members
}

function refuse(node: Node, message: string): AppError {
  const keys: string[] = []
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) keys.unshift(at.key.slice(0, 100))
  const path = keys.join('').slice(0, 300)
  return new AppError('validation_failed', `${path} ${message}`, { errors: [{ path, message }] })
}
