import { expect, test } from '@jest/globals'
import { stepTypePage } from './step-type-page.ts'

const description = {
  type: 'shell.run',
  title: 'Shell',
  description: 'Runs something.',
  risk: 'high' as const,
  credential_types: ['ssh'],
  credential_required: true,
  client_certificate: false,
  connector_kinds: ['ssh_host' as const],
  via: true,
  loops: false,
  retryable: false,
  timeout_seconds: 9,
  input_schema: {
    properties: {
      mode: { enum: ['a', 'b'], default: 'a', description: 'One | the other.' },
      lines: {
        type: 'array',
        items: { type: 'object', properties: { n: { type: 'integer', minimum: 1, maximum: 5 } } },
      },
      env: { type: 'object', additionalProperties: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    },
    required: ['lines'],
  },
  output_schema: { properties: {} },
  examples: [{ title: 'Ask for the time', credential_type: 'ssh', input: { mode: 'b' } }],
}

test('the page has every field with its type and meaning, nested ones too, and every example', () => {
  const page = stepTypePage([description])
  for (const line of [
    '| [`shell.run`](#shellrun) | Shell | high | `ssh` | no |',
    '| `mode` | `"a"`, `"b"` | `"a"` | One \\| the other. |',
    '| `lines` | list of object | needed |  |',
    '| `lines[].n` | integer, 1…5 |  |  |',
    '| `env` | object of (string or null) |  |  |',
    'Needs a credential: `ssh`. Takes a `connector` of kind `ssh_host`. Goes through bastions with `via`.',
    '**Result**\n\nNothing.',
    '**Ask for the time** (with a credential of type `ssh`)',
    '"mode": "b"',
  ])
    expect(page).toContain(line)
})

test('the page does not depend on the order in which step types are listed', () => {
  const other = { ...description, type: 'a.first' }
  expect(stepTypePage([description, other])).toBe(stepTypePage([other, description]))
})
