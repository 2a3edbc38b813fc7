import type { Check, ConnectorKind } from '@opsconductor/contracts'
import type { z } from 'zod'

export interface ConnectorKindDefinition<Settings extends z.ZodObject = z.ZodObject> {
  kind: ConnectorKind
  title: string
  /** What it stands for, in a sentence for whoever adds a connector. */
  description: string
  /** Public settings; no field of them is ever secret. */
  settings: Settings
  /** Settings that say where the credential is sent. */
  address: readonly string[]
  /** Settings that are JSON Schemas: they must compile. */
  jsonSchemas?: readonly string[]
  /** The types of credentials that open it, the first being the usual one. */
  credentials: readonly string[]
  credentialRequired?: boolean
  /** The step types that take it. */
  stepTypes: readonly string[]
  /**
   * The input of a step, rendered or with its templates as they are written, with what the connector says put into it.
   * Throws `validation_failed` where the input leaves the connector, as by a path to another host.
   */
  apply(
    settings: z.infer<Settings>,
    input: Readonly<Record<string, unknown>>,
    stepType: string,
  ): Record<string, unknown>
  /** What tells whether the system is there and takes the credential. */
  check(settings: z.infer<Settings>): Check
}

/** A kind of any shape; its functions are only ever given what its own schema parsed. */
export type AnyConnectorKind = Omit<ConnectorKindDefinition, 'apply' | 'check'> & {
  apply(settings: never, input: Readonly<Record<string, unknown>>, stepType: string): Record<string, unknown>
  check(settings: never): Check
}

export const defineConnectorKind = <Settings extends z.ZodObject>(
  kind: ConnectorKindDefinition<Settings>,
): AnyConnectorKind => kind as AnyConnectorKind
