import type { AnyConnectorKind } from './define-connector-kind.ts'

type Input = Record<string, unknown>

/** A kind with settings as somebody writes them. */
export function tryKind(kind: AnyConnectorKind, settings: Input) {
  const parsed = kind.settings.parse(settings) as never
  return {
    apply: (input: Input = {}, stepType = kind.stepTypes[0] as string) => kind.apply(parsed, input, stepType),
    /** What is said of an input that does not fit, with its place. */
    fault(input: Input, stepType = kind.stepTypes[0] as string) {
      try {
        kind.apply(parsed, input, stepType)
        return undefined
      } catch (error) {
        const { code, errors } = error as { code: string; errors: { path: string; message: string }[] }
        return { code, ...errors[0] }
      }
    },
    check: kind.check(parsed),
  }
}

/** Where a kind says that settings are wrong. */
export const faultsOf = (kind: AnyConnectorKind, settings: Input): string[] =>
  kind.settings.safeParse(settings).error?.issues.map(({ path }) => path.join('.')) ?? []
