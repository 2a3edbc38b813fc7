import { format, inspect } from 'node:util'
import { expect, test } from '@jest/globals'
import { SecretValue } from './secret-value.ts'

test('001.10 a SecretValue shows its secret to reveal() and to nothing else', () => {
  const secret = new SecretValue('hunter2!')
  expect(secret.reveal()).toBe('hunter2!')
  const shown = [
    String(secret),
    `${secret}`,
    `${JSON.stringify({ secret })}`,
    inspect({ nested: [secret] }, { showHidden: true, depth: 9 }),
    format('%s %o %j', secret, secret, secret),
    JSON.stringify(structuredClone({ secret })),
    JSON.stringify({ ...secret }),
    Object.getOwnPropertyNames(secret).join(),
  ]
  for (const text of shown) expect(text).not.toContain('hunter2')
  expect(shown.slice(0, 2)).toEqual(['[redacted]', '[redacted]'])
})
