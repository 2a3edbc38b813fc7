import { inspect } from 'node:util'

/** What stands where a secret was. */
export const redacted = '[redacted]'

/**
 * A secret on its way through our memory. Whatever prints, logs, serialises or clones it by accident gets `[redacted]`
 * or nothing; only `reveal()` gives the text, so that every use of a secret can be found by that word.
 */
export class SecretValue {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }

  [inspect.custom](): string {
    return redacted
  }
}
