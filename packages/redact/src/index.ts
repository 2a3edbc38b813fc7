export { secretLengthMin } from './needles.ts'
export { createRedactor, type Redactor } from './redactor.ts'
export { redacted, SecretValue } from './secret-value.ts'
export type { StreamRedactor } from './stream-redactor.ts'
