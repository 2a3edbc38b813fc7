import { AppError, toAppError } from '@opsconductor/errors'

export type Step = 'staging' | 'testing' | 'swapping' | 'reloading' | 'probing'

const doing: Record<Step, string> = {
  staging: 'Putting the files on the server',
  testing: 'Testing the configuration of NGINX',
  swapping: 'Putting the new version in place',
  reloading: 'Reloading NGINX',
  probing: 'Looking from outside at what is served',
}

/** What failed at a step, with what became of it. `liveVersion`: what the probes saw afterwards. */
export function stepError(step: Step, error: unknown, outcome: string, liveVersion?: number): AppError {
  const { code, message, internal } = toAppError(error)
  return new AppError(code, `${doing[step]} failed: ${message} ${outcome}`, {
    cause: error,
    internal: { ...internal, step, liveVersion },
  })
}
