import { connectorKindDefinitions, refuseInput } from '@opsconductor/connector-kinds'
import type { UsableConnector } from './usable-connector.ts'

/** What of a step concerns its connector. */
export interface ConnectedStep {
  type: string
  via?: readonly string[] | undefined
  /** Rendered, or with templates as they are written. */
  input: unknown
}

/**
 * The step's input with what its connector says put into it. Throws `validation_failed` whose `errors` name what of the
 * step is wrong, as `connector` or `input.url`.
 */
export function applyConnector(connector: UsableConnector, step: ConnectedStep): Record<string, unknown> {
  const kind = connectorKindDefinitions.get(connector.kind)
  if (kind === undefined)
    throw refuseInput('connector', `is of kind ${connector.kind}, which is not known here`)
  if (!kind.stepTypes.includes(step.type))
    throw refuseInput(
      'connector',
      `is of kind ${connector.kind}, which is for ${kind.stepTypes.join(', ')} and not for ${step.type}`,
    )
  const settings = kind.settings.safeParse(connector.settings)
  if (!settings.success) throw refuseInput('connector', 'has settings that cannot be used (any more)')
  const input = (step.input ?? {}) as Record<string, unknown>
  if (connector.isShared) assertStraight(input, step.via)
  return kind.apply(settings.data as never, input, step.type)
}

/** Whoever was given a connector must not read what opens it, as on a way that is theirs to listen on. */
function assertStraight({ proxy, tls, sudo }: Record<string, unknown>, via: ConnectedStep['via']): void {
  const others = "must not be given: the connector is another project's"
  if (via !== undefined && via.length > 0) throw refuseInput('via', others)
  if (proxy !== undefined) throw refuseInput('input.proxy', others)
  // Who may run commands as the user may have put another program in sudo's place, which is given the password.
  if (sudo !== undefined && sudo !== false)
    throw refuseInput('input.sudo', `${others}; a sudo that needs no password can stand in the command`)
  const { verify = true } = (tls ?? {}) as { verify?: unknown }
  if (verify !== true)
    throw refuseInput('input.tls.verify', "must be true: the connector is another project's")
}
