import { createReach, type HeldCredential } from '@opsconductor/reach'
import { SecretValue } from '@opsconductor/redact'
import { snmpPassphrases } from '@opsconductor/test-peers'
import { baseModules } from '../../src/mibs/base-modules.ts'
import { linkModules } from '../../src/mibs/link-modules.ts'
import { parseModule } from '../../src/mibs/parse-module.ts'
import type { AnyStepType, StepTools } from '../../src/step-types/define-step-type.ts'

export const community = (name: string, version: 'v1' | 'v2c' = 'v2c'): HeldCredential => ({
  id: '1',
  type: 'snmp_community',
  secret: { community: new SecretValue(name) },
  extra: { version },
  http: null,
})

export const userCredential = (
  extra: Readonly<Record<string, unknown>>,
  passphrases: { auth: string; priv: string } = snmpPassphrases,
): HeldCredential => ({
  id: '2',
  type: 'snmp_v3',
  secret: {
    ...(extra.level === 'noAuthNoPriv' ? {} : { auth_passphrase: new SecretValue(passphrases.auth) }),
    ...(extra.level === 'authPriv' ? { priv_passphrase: new SecretValue(passphrases.priv) } : {}),
  },
  extra,
  http: null,
})

export interface ToolsOf {
  credential: HeldCredential
  /** Ports of loopback that the outbound policy opens. */
  ports: number[]
  signal?: AbortSignal
  /** Texts of MIB modules beside the base ones. */
  modules?: string[]
  limitsHosts?: string[][]
  allow?: { cidr: string; ports: number[] }[]
}

/** What a step has of its run, over the real reach; artefacts stay in `saved`, what it said of its progress in `told`. */
export function snmpTools({ credential, ports, signal, modules = [], limitsHosts = [], allow }: ToolsOf) {
  const saved: { name: string; text: string }[] = []
  const told: unknown[] = []
  const { tree } = linkModules([...baseModules(), ...modules.map(parseModule)])
  const tools = {
    credential,
    reach: createReach({
      projectId: 'p',
      policy: { allow: allow ?? [{ cidr: '127.0.0.1/32', ports }] },
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
      limitsHosts,
    }),
    mibs: async () => tree,
    signal: signal ?? AbortSignal.timeout(20_000),
    progress: (details: unknown) => void told.push(details),
    artefacts: {
      async write({ name, contentType, content }: Parameters<StepTools['artefacts']['write']>[0]) {
        const pieces: Uint8Array[] = []
        for await (const piece of content) pieces.push(piece)
        const text = Buffer.concat(pieces).toString()
        saved.push({ name, text })
        return { id: 'a', name, content_type: contentType, bytes: text.length, sha256: '', redacted: false }
      },
    },
  } as unknown as StepTools
  return { tools, saved, told }
}

/** Runs a step as a run does: its input parsed by its own schema, its result held against its own. */
export async function runStepType(
  stepType: AnyStepType,
  input: Record<string, unknown>,
  of: ToolsOf,
): Promise<ReturnType<typeof JSON.parse>> {
  const output = await stepType.run(stepType.input.parse(input) as never, snmpTools(of).tools)
  return stepType.output.strict().parse(output)
}
