import { expect, test } from '@jest/globals'
import { pickVariables } from './pick-variables.ts'
import { variablesWithin } from './references.ts'
import { renderTemplates } from './render.ts'

const scope = {
  input: { a: 1, b: { c: 2 }, big: 'x'.repeat(1000) },
  steps: { one: { body: { id: 7 }, rest: 'y' }, two: { skipped: true }, three: { z: 1 } },
  run: { id: 'r' },
  host: { name: 'h' },
  host_index: 4,
}

test('templates render the same with what was picked for them, errors too', () => {
  const templates = [
    '{{ input.b.c }}',
    '{{ steps.one.body.id }}',
    '{{ host.name }}-{{ host_index }}-{{ run.id }}',
  ]
  const picked = pickVariables(variablesWithin(templates), scope)
  expect(picked).toEqual({
    input: { b: { c: 2 } },
    steps: { one: { body: { id: 7 } } },
    run: { id: 'r' },
    host: { name: 'h' },
    host_index: 4,
  })
  expect(renderTemplates(templates, picked)).toEqual(renderTemplates(templates, scope))
  for (const wrong of ['{{ steps.two.body }}', '{{ input.nobody }}', '{{ steps.four.x }}', '{{ other }}']) {
    const message = (of: typeof picked) => {
      try {
        return renderTemplates(wrong, of)
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(message(pickVariables(variablesWithin(wrong), scope))).toBe(message(scope))
  }
})

test.each(['{{ input }}', '{{ steps }}', '{{ steps.one }}'])(
  'a whole that is named is picked whole: %s',
  (text) => {
    const both = [text, '{{ input.a }}{{ steps.one.rest }}']
    for (const templates of [both, both.toReversed()])
      expect(renderTemplates(templates, pickVariables(variablesWithin(templates), scope))).toEqual(
        renderTemplates(templates, scope),
      )
  },
)
