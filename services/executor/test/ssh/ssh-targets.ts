import { randomUUID } from 'node:crypto'
import { type SshdOptions, type SshdPeer, startSshd, type TestSshKey } from '@opsconductor/test-peers'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'

/** An executor whose project trusts these servers and may reach them. */
export async function startWithSshd<Name extends string>(servers: Record<Name, SshdOptions>) {
  const names = Object.keys(servers) as Name[]
  const started = await Promise.all(names.map((name) => startSshd(servers[name])))
  const sshd = Object.fromEntries(names.map((name, i) => [name, started[i]])) as Record<Name, SshdPeer>
  const executor = await startExecutor({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
  const open: number[] = started.map(({ port }) => port)
  await executor.open(...open)
  for (const peer of started) {
    trust(executor, peer.hostKey, peer)
    addCredential(executor, `login-${peer.port}`, peer)
  }
  return {
    executor,
    sshd,
    /** Where a step finds a server, and what opens it. */
    at: (name: Name) => ({ host: '127.0.0.1', port: sshd[name].port }),
    credentialOf: (name: Name) => `login-${sshd[name].port}`,
    async alsoOpen(...ports: number[]) {
      open.push(...ports)
      await executor.open(...open)
    },
    async stop() {
      await executor.stop()
      await Promise.all(started.map((peer) => peer.close()))
    },
  }
}

export type WithSshd<Name extends string> = Awaited<ReturnType<typeof startWithSshd<Name>>>

export function trust(
  executor: ExecutorUnderTest,
  { publicKey, fingerprint }: TestSshKey,
  { host, port }: { host: string; port: number },
): void {
  const [key_type = '', base64 = ''] = publicKey.split(' ')
  executor.broker.hostKeys.push({
    ...{ host, port, key_type, public_key: base64, fingerprint },
    ...{ revoked: false, is_authority: false },
  })
}

export const addCredential = (
  executor: ExecutorUnderTest,
  name: string,
  { username, clientKey }: Pick<SshdPeer, 'username' | 'clientKey'>,
  more: { secret?: Record<string, string>; limits_hosts?: string[] } = {},
) =>
  executor.broker.add({
    projectId: executor.projectId,
    ...{ name, type: 'ssh', extra: { username } },
    secret: { private_key: clientKey.privateKey },
    ...more,
  })

/** The run of a job that has this one step. */
export async function runOne(
  executor: ExecutorUnderTest,
  step: Record<string, unknown>,
  input: unknown = {},
) {
  const job = await createJob(executor, { steps: [{ id: 'only', ...step }] })
  return await runToEnd(executor, job.id, input)
}

/** Adds a bastion; its name. */
export async function addBastion(
  executor: ExecutorUnderTest,
  bastion: { host: string; port: number; credential: string; name?: string },
): Promise<string> {
  const name = bastion.name ?? `bastion ${randomUUID().slice(0, 8)}`
  const { status, body } = await executor.call('POST', '/api/bastions', { ...bastion, name })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return name
}
