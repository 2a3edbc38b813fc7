import type { LentCredential } from '@opsconductor/contracts'

export type NewCredential = Pick<LentCredential, 'type' | 'secret'> & Partial<LentCredential>

/** One way to log in that a target takes. */
export interface Auth {
  /** As the matrix shows it: the credential's type, and which kind where it has several. */
  name: string
  credential?: NewCredential
  clientCertificate?: NewCredential
}

/** A step as a job holds it. */
export interface ExampleStep {
  type: string
  input: Record<string, unknown>
  /** Of a loop. */
  steps?: readonly ExampleStep[]
  via?: string[]
}

/** A real peer that plays the targets of examples. */
export interface Target {
  /** As the matrix shows it, with its version where that matters. */
  name: string
  /** The best first: it serves the examples that are run with one only. */
  auths: readonly Auth[]
  /** Run once before the examples, with the first login: what they expect to find there. */
  prepare?: readonly (ExampleStep & { id: string })[]
  /** The example as it is run on this peer: with its port; undefined where it plays no target of it. */
  place(step: ExampleStep, auth: Auth): ExampleStep | undefined
}

export interface PlayedFamily {
  targets: readonly Target[]
  /** Loopback ports that the project's outbound policy must open. */
  ports: readonly number[]
  /** Steps of which examples use the results. */
  before?: readonly (ExampleStep & { id: string })[]
  /** Jobs that examples name. */
  jobs?: readonly { name: string; steps: readonly (ExampleStep & { id: string })[] }[]
  /** What `{{ input.… }}` in the examples stands for. */
  input: Record<string, unknown>
  /** PEM of an authority that the project trusts. */
  caBundle?: string
  /** Keys of SSH hosts that the project trusts. */
  hostKeys?: readonly TrustedHostKey[]
  /** True where a program that plays a target is missing on this machine, which `npm test` has said. */
  isPartial?: boolean
  stop(): Promise<void>
}

export interface TrustedHostKey {
  host: string
  port: number
  key_type: string
  public_key: string
  fingerprint: string
  revoked: boolean
  is_authority: boolean
}

/** The examples of one family of step types, and the peers that play their targets. */
export interface Family {
  plays(type: string): boolean
  start(): Promise<PlayedFamily>
  /** What no peer on this machine can play, with the reason: rows of the matrix too. */
  notHere?: readonly { type: string; auth: string; target: string; why: string }[]
}

/** Puts `port` in place of the default port of an `https` or `http` URL; the host stays, so that its certificate is checked. */
export function withPort(url: unknown, port: number): string {
  const text = String(url)
  return text.replace(/^(https?:\/\/[^/:?#]+)(?=[/?#]|$)/, `$1:${port}`)
}
