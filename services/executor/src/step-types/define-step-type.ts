import type { Json } from '@opsconductor/contracts'
import type { SecretValue } from '@opsconductor/redact'
import type { z } from 'zod'
import type { StepArtefacts } from '../artefacts/step-artefacts.ts'
import type { HttpAnswer, HttpRequest } from '../http/exchange.ts'
import type { Reach } from '../reach/reach.ts'
import type { SqlQuery, SqlResult } from '../sql/run-query.ts'
import type { ProjectTrust } from '../trust/project-trust.ts'

/** A credential as a step holds it: in memory only, for as long as the step runs. */
export interface StepCredential {
  id: string
  type: string
  secret: Readonly<Record<string, SecretValue>>
  extra: Readonly<Record<string, unknown>>
  /** What it adds to an HTTP request; null where it is not applied to requests as it is. */
  http: {
    headers: Readonly<Record<string, SecretValue>>
    query: Readonly<Record<string, SecretValue>>
  } | null
}

/** What a running step may use. Whatever it reaches is checked against the project's outbound policy and recorded. */
export interface StepTools {
  credential: StepCredential | undefined
  /** Of type x509: what is shown to targets that ask who connects. */
  clientCertificate: StepCredential | undefined
  reach: Reach
  trust: ProjectTrust
  /** What is left of the step's time when it begins. */
  timeoutMs: number
  /** The same over all attempts of this step of this run. */
  idempotencyKey: string
  http(request: HttpRequest): Promise<HttpAnswer>
  /** Runs a query on the database that the credential's DSN names. */
  sql(query: Omit<SqlQuery, 'timeoutMs'>): Promise<SqlResult>
  artefacts: StepArtefacts
  /** How far the step is, for whoever watches the run: small, free of secrets. Costs little; the last one said counts. */
  progress(details: Json): void
  /** Fires when the run was cancelled or the step's time is up. */
  signal: AbortSignal
}

export interface StepType<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  type: string
  title: string
  /** How much harm a step of this type can do to its target. */
  risk: 'low' | 'medium' | 'high'
  /** The credential types it takes. */
  credentials: readonly string[]
  credentialRequired?: boolean
  /** Whether its targets may be shown the client certificate that the step names. */
  takesClientCertificate?: boolean
  input: Input
  output: Output
  /** Fields of the input whose variables are percent-encoded, because they stand in a URL. */
  urlFields?: readonly string[]
  /** True where doing it twice does no harm, so that a failed attempt is repeated without being asked to. */
  retryable: boolean
  timeoutSeconds: number
  examples: readonly { title: string; input: z.input<Input>; credential?: string }[]
  /** Faults of an input that its schema cannot say, as `.sql` and a message. Sees templates as they are written. */
  check?(input: Readonly<Record<string, unknown>>): { at: string; message: string }[]
  run(input: z.infer<Input>, tools: StepTools): Promise<z.infer<Output>>
}

/** A step type of any shape; its `run` is only ever given what its own schema parsed. */
export type AnyStepType = Omit<StepType, 'run' | 'examples'> & {
  examples: readonly { title: string; input: Record<string, unknown>; credential?: string }[]
  run(input: never, tools: StepTools): Promise<Record<string, unknown>>
}

export function defineStepType<Input extends z.ZodObject, Output extends z.ZodObject>(
  stepType: StepType<Input, Output>,
): AnyStepType {
  return stepType as AnyStepType
}
