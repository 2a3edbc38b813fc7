import type { AnyStepType } from '../../src/step-types/define-step-type.ts'
import type { Auth, ExampleStep, Target } from './family.ts'

export interface Case {
  type: string
  title: string
  auth: Auth
  target: Target
  step: ExampleStep
}

/**
 * How a step type's examples are run: on each target that plays it, with the target's first login of the kind that the
 * example is meant for; the first example that a target plays with every login that it takes.
 */
export function casesOf(stepType: AnyStepType, targets: readonly Target[]): Case[] {
  const triedWithAll = new Set<Target>()
  return stepType.examples.flatMap(({ title, input, credential }) =>
    targets.flatMap((target) => {
      const fitting = target.auths
        .filter((auth) => takes(stepType, auth))
        .flatMap((auth) => {
          const step = target.place({ type: stepType.type, input }, auth)
          return step === undefined ? [] : [{ type: stepType.type, title, auth, target, step }]
        })
      const wanted = fitting.filter(
        ({ auth }) => credential === undefined || auth.credential?.type === credential,
      )
      const isFirst = fitting.length > 0 && !triedWithAll.has(target)
      if (isFirst) triedWithAll.add(target)
      return isFirst ? fitting : wanted.slice(0, 1)
    }),
  )
}

function takes(stepType: AnyStepType, { credential, clientCertificate }: Auth): boolean {
  if (clientCertificate !== undefined && !stepType.takesClientCertificate) return false
  if (credential === undefined) return !stepType.credentialRequired
  return stepType.credentials.includes(credential.type)
}

/** Examples that no target plays and credential types that no login has, in words; empty where all is tried. */
export function untried(stepType: AnyStepType, cases: readonly Case[], excused: readonly string[]): string[] {
  const titles = new Set(cases.map(({ title }) => title))
  const types = new Set(cases.flatMap(({ auth }) => (auth.credential ? [auth.credential.type] : [])))
  return [
    ...(stepType.examples.length === 0 ? ['it has no example'] : []),
    ...stepType.examples.filter(({ title }) => !titles.has(title)).map(({ title }) => `example: ${title}`),
    ...stepType.credentials
      .filter((type) => !types.has(type) && !excused.includes(type))
      .map((type) => `credential type: ${type}`),
  ]
}
