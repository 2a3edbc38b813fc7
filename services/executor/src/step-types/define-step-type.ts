import { AppError } from '@opsconductor/errors'
import type { HeldCredential, ProjectTrust, Reach, SshAccess } from '@opsconductor/reach'
import type { z } from 'zod'
import type { StepArtefacts } from '../artefacts/step-artefacts.ts'
import type { TokenCache } from '../http/auth/token-cache.ts'
import type { HttpAnswer, HttpRequest } from '../http/exchange.ts'
import type { MibTree } from '../mibs/mib-tree.ts'
import type { DatabaseSession } from '../sql/databases.ts'
import type { WebhookLog } from '../webhooks/webhook-log.ts'

/** What a running step may use. Whatever it reaches is checked against the project's outbound policy and recorded. */
export interface StepTools {
  credential: HeldCredential | undefined
  /** Of type x509: what is shown to targets that ask who connects. */
  clientCertificate: HeldCredential | undefined
  reach: Reach
  trust: ProjectTrust
  /** What is left of the step's time when it begins. */
  timeoutMs: number
  /** The same over all attempts of this step of this run. */
  idempotencyKey: string
  /** One exchange; redirects are answers. */
  http(request: HttpRequest): Promise<HttpAnswer>
  /** Access tokens, shared by all steps. */
  accessTokens: TokenCache
  /** Works on a connection to the database that the credential's DSN names. */
  withDatabase<T>(work: (session: DatabaseSession) => Promise<T>): Promise<T>
  /** Works on a connection to an SSH server, logged in with the credential. */
  ssh: SshAccess
  /** The base MIB modules and those that the project has loaded. */
  mibs(): Promise<MibTree>
  artefacts: StepArtefacts
  /** What is written of the step's webhook. */
  webhooks: WebhookLog
  /** A secret that the step learnt itself, as a token: it leaves nowhere from now on. */
  alsoRedact(secret: string): void
  /** How far the step is, for whoever watches the run: small, free of secrets. Costs little; the last one said counts. */
  progress(details: Record<string, unknown>): void
  /** Fires when the run was cancelled or the step's time is up. */
  signal: AbortSignal
}

export interface StepType<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  type: string
  title: string
  /** What it does and needs, in a sentence or two for a job's author. */
  description: string
  /** How much harm a step of this type can do to its target. */
  risk: 'low' | 'medium' | 'high'
  /** The credential types it takes. */
  credentials: readonly string[]
  credentialRequired?: boolean
  /** Whether its targets may be shown the client certificate that the step names. */
  takesClientCertificate?: boolean
  /** Whether its target may be reached through bastions: all its connections are `reach.connect`'s. */
  takesVia?: boolean
  input: Input
  output: Output
  /** Fields of the input whose variables are percent-encoded, because they stand in a URL. */
  urlFields?: readonly string[]
  /** True where doing it twice does no harm, so that a failed attempt is repeated without being asked to. */
  retryable: boolean
  /** True where a step never reaches a target and ends within a moment. */
  isLocal?: boolean
  /**
   * Set where the workflow runs it (`durable.ts`), because it outlives a worker. `attempts`: the workflow decides about
   * attempts, `run` is one of them and `timeoutSeconds` its limit. `whole`: there is no more than the workflow's part, and
   * `timeoutSeconds` limits it.
   */
  durable?: 'attempts' | 'whole'
  /** Whether the step has `steps` inside. */
  loops?: boolean
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

/** A step type that is all the workflow's: waits, loops, other runs. */
export function defineDurableStepType<Input extends z.ZodObject, Output extends z.ZodObject>(
  stepType: Omit<
    StepType<Input, Output>,
    'run' | 'durable' | 'credentials' | 'retryable' | 'risk' | 'isLocal'
  >,
): AnyStepType {
  return defineStepType({
    ...stepType,
    risk: 'low',
    credentials: [],
    retryable: false,
    durable: 'whole',
    run: () => Promise.reject(new AppError('internal_error', `${stepType.type} is run by the workflow.`)),
  })
}
