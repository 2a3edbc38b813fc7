import type { TemplateScope } from './render.ts'

/** As much of the scope as variables with these paths need: members of the input and of results, other values whole. */
export function pickVariables(paths: readonly (readonly string[])[], scope: TemplateScope): TemplateScope {
  const steps: Record<string, unknown> = {}
  const picked: TemplateScope = { input: null, steps, run: scope.run }
  for (const [root, name, field] of paths) {
    if (root === undefined || !Object.hasOwn(scope, root)) continue
    if (root === 'input') picked.input = withPart(picked.input, scope.input, name)
    else if (root !== 'steps') picked[root] = scope[root]
    else if (name === undefined) Object.assign(steps, scope.steps)
    else if (Object.hasOwn(scope.steps, name)) steps[name] = withPart(steps[name], scope.steps[name], field)
  }
  return picked
}

/** What was taken of the value, and its member `name`; all of it where it has no such member, for its errors' sake. */
function withPart(taken: unknown, whole: unknown, name: string | undefined): unknown {
  if (taken === whole || name === undefined || !isRecord(whole) || !Object.hasOwn(whole, name)) return whole
  return Object.fromEntries([...(isRecord(taken) ? Object.entries(taken) : []), [name, whole[name]]])
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
