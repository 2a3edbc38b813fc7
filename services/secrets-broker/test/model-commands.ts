import { randomUUID } from 'node:crypto'
import { expect } from '@jest/globals'
import fc from 'fast-check'
import type { KeyUse } from '../src/keyring/master-keys.ts'
import type { MasterKeys, ModelledBroker } from './modelled-broker.ts'

interface Version {
  secret: string
  expiresAtMs: number | undefined
}

interface ModelledCredential {
  id: string
  name: string
  /** The first is version 1. */
  versions: Version[]
  deleted: boolean
}

/** What the broker must have kept, as plain values. */
export interface Model {
  hosts: Map<string, string | null>
  credentials: ModelledCredential[]
  /** The master key of each use, the one before it as long as it is kept, and the one that the service was started with. */
  keys: MasterKeys
  formerKeys: Partial<MasterKeys>
  startedWith: MasterKeys
  /** The rotation that can be rolled back. */
  rotations: Partial<Record<KeyUse, string>>
  /** Rows that the access log must have: reads that showed a secret, changes, and what was refused. */
  logged: { shown: number; changed: number; refused: number }
  /** What a crash left without a good answer, and which may be in the log or not. */
  unanswered: number
}

type Command = fc.AsyncCommand<Model, ModelledBroker>

const upsertPath = '/internal/secrets/credential-upsert'
const lookupPath = '/internal/secrets/credential-lookup'
const rotationsPath = '/internal/secrets/keyring/rotations'
const dayMs = 86_400_000

/** Each of them is another host or another purpose, although they look alike. */
const hosts = ['web-01', 'WEB-01', 'web-01 ', ' web-01', 'wéb-01']
const purposes = ['ssh', 'SSH', 'ssh ']
const names = ['billing', 'Billing', 'mail']

const place = fc.record({ host: fc.constantFrom(...hosts), purpose: fc.constantFrom(...purposes) })
type HostPlace = { host: string; purpose: string }
const keyOf = ({ host, purpose }: HostPlace) => JSON.stringify([host, purpose])
const password = fc.option(fc.string({ unit: 'grapheme-composite', minLength: 4, maxLength: 40 }))
const secret = fc.string({ unit: fc.constantFrom(...'abcXYZ019-._~'), minLength: 4, maxLength: 40 })
const uses = ['host_credentials', 'credentials'] as const
const keyUse = fc.constantFrom(...uses)
const nowOf = ({ clock }: ModelledBroker) => Date.now() + clock.offsetMs

/** A command that is always possible, and prints as its name and what it was given. */
const command = (text: string, run: Command['run'], check: Command['check'] = () => true): Command => ({
  check,
  run,
  toString: () => text,
})

const upsert = fc.tuple(place, password).map(([at, given]) =>
  command(`upsert ${keyOf(at)} ${JSON.stringify(given)}`, async (model, real) => {
    const { status } = await real.internal('POST', upsertPath, { ...at, password: given })
    expect(status).toBe(200)
    model.hosts.set(keyOf(at), given)
    model.logged.changed++
  }),
)

const lookup = place.map((at) =>
  command(`look up ${keyOf(at)}`, async (model, real) => {
    const { status, text, body } = await real.internal('POST', lookupPath, at)
    const known = model.hosts.get(keyOf(at))
    if (known === undefined) {
      expect([status, text]).toEqual([404, '{"reason":"not_found"}'])
      model.logged.refused++
      return
    }
    expect([status, body]).toEqual([
      200,
      { ...at, username: null, password: known, domain: null, additional_data: {} },
    ])
    model.logged.shown++
  }),
)

const lookUpBatch = fc.array(place, { minLength: 1, maxLength: 6 }).map((lookups) =>
  command(`look up at once ${lookups.map(keyOf)}`, async (model, real) => {
    const { status, body } = await real.internal('POST', `${lookupPath}-batch`, { lookups })
    expect(status).toBe(200)
    const passwords = (body.results as { found: boolean; password: string }[]).map((one) =>
      one.found ? one.password : undefined,
    )
    const known = lookups.map((at) => model.hosts.get(keyOf(at)))
    expect(passwords).toEqual(known)
    const found = known.filter((one) => one !== undefined).length
    model.logged.shown += found
    model.logged.refused += known.length - found
  }),
)

const remove = place.map((at) =>
  command(`delete ${keyOf(at)}`, async (model, real) => {
    const { status } = await real.internal(
      'DELETE',
      `/internal/secrets/credential-delete?${new URLSearchParams(at)}`,
    )
    const wasThere = model.hosts.delete(keyOf(at))
    expect(status).toBe(wasThere ? 200 : 404)
    model.logged[wasThere ? 'changed' : 'refused']++
  }),
)

const isTaken = (model: Model, name: string) =>
  model.credentials.some((one) => one.name === name && !one.deleted)

/** What was tried to change is logged either way. */
function noteChange(model: Model, status: number, expected: number): void {
  expect(status).toBe(expected)
  model.logged[status < 300 ? 'changed' : 'refused']++
}

const create = fc.tuple(fc.constantFrom(...names), secret, fc.boolean()).map(([name, given, expires]) =>
  command(`create ${name} ${given}${expires ? ' for a day' : ''}`, async (model, real) => {
    const expiresAtMs = expires ? nowOf(real) + dayMs : undefined
    const body = {
      ...{ name, type: 'bearer_token', secret: given },
      ...(expiresAtMs === undefined ? {} : { expires_at: new Date(expiresAtMs).toISOString() }),
    }
    const answer = await real.api('POST', '/api/credentials', body)
    noteChange(model, answer.status, isTaken(model, name) ? 409 : 201)
    if (answer.status !== 201) return
    model.credentials.push({
      id: answer.body.id,
      name,
      versions: [{ secret: given, expiresAtMs }],
      deleted: false,
    })
  }),
)

/** A command about one of the credentials there are. */
const ofCredential = (
  title: string,
  run: (
    credential: ModelledCredential,
    model: Model,
    real: ModelledBroker,
    nth: number,
    given: string,
  ) => Promise<void>,
) =>
  fc.tuple(fc.nat(20), fc.nat(20), secret).map(([which, nth, given]) =>
    command(
      `${title} credential ${which}, ${nth}, ${given}`,
      (model, real) =>
        run(
          model.credentials[which % model.credentials.length] as ModelledCredential,
          model,
          real,
          nth,
          given,
        ),
      ({ credentials }) => credentials.length > 0,
    ),
  )

const use = ofCredential('use', async (credential, model, real, nth) => {
  const { id, name, deleted, versions } = credential
  const reference = nth % 2 === 0 || deleted ? id : name
  const body = real.executor.useOf(real.projectId, reference)
  const answer = await real.internal('POST', `/internal/secrets/credentials/${reference}/use`, body)
  const present = versions.at(-1) as Version
  const expired = present.expiresAtMs !== undefined && present.expiresAtMs <= nowOf(real)
  expect(answer.status).toBe(deleted ? 404 : expired ? 409 : 200)
  if (answer.status === 200) expect(answer.body.secret).toEqual({ token: present.secret })
  model.logged[answer.status === 200 ? 'shown' : 'refused']++
})

const rotateSecret = ofCredential('change the secret of', async (credential, model, real, _nth, given) => {
  const { status } = await real.api('PUT', `/api/credentials/${credential.id}`, { secret: given })
  noteChange(model, status, credential.deleted ? 404 : 200)
  if (status === 200) credential.versions.push({ secret: given, expiresAtMs: undefined })
})

const rollBackSecret = ofCredential('roll back', async (credential, model, real, nth) => {
  const version = 1 + (nth % credential.versions.length)
  const { status } = await real.api('POST', `/api/credentials/${credential.id}/rollback`, { version })
  noteChange(model, status, credential.deleted ? 404 : version === credential.versions.length ? 422 : 200)
  if (status === 200) credential.versions.push(credential.versions[version - 1] as Version)
})

const deleteCredential = ofCredential('delete', async (credential, model, real) => {
  const { status } = await real.api('DELETE', `/api/credentials/${credential.id}`)
  noteChange(model, status, credential.deleted ? 404 : 204)
  credential.deleted = true
})

const restoreCredential = ofCredential('restore', async (credential, model, real) => {
  const { status } = await real.api('POST', `/api/credentials/${credential.id}/restore`, {})
  noteChange(model, status, !credential.deleted ? 404 : isTaken(model, credential.name) ? 409 : 200)
  if (status === 200) credential.deleted = false
})

// --- Keys, crashes and clocks --------------------------------------------------------------------------------------

const isRunning = async (real: ModelledBroker, use: KeyUse): Promise<boolean> => {
  const { rows } = await real.owner.query(
    "SELECT FROM secrets.key_rotations WHERE key_use = $1 AND state = 'running'",
    [use],
  )
  return rows.length > 0
}

/** Resolves when no rotation is under way; the test's own time limit ends it. */
export async function rotationsEnd(real: ModelledBroker): Promise<void> {
  while ((await isRunning(real, 'host_credentials')) || (await isRunning(real, 'credentials')));
}

const rotateKey = keyUse.map((use) =>
  command(`rotate the master key of ${use}`, async (model, real) => {
    const new_key = `master-key-${randomUUID()}`
    const wasRunning = await isRunning(real, use)
    const { status, body } = await real.internal('POST', rotationsPath, { old_key: model.keys[use], new_key })
    // One that was running may just have ended.
    expect(wasRunning ? [200, 409] : [200]).toContain(status)
    if (status !== 200) return
    model.formerKeys[use] = model.keys[use]
    model.keys[use] = new_key
    model.rotations[use] = (body.rotations as { id: string }[])[0]?.id as string
  }),
)

const rollBackKey = keyUse.map((use) =>
  command(
    `roll back the master key of ${use}`,
    async (model, real) => {
      const { status, body } = await real.internal(
        'POST',
        `${rotationsPath}/${model.rotations[use]}/rollback`,
        {},
      )
      expect(status).toBe(200)
      const present = model.keys[use]
      model.keys[use] = model.formerKeys[use] as string
      model.formerKeys[use] = present
      model.rotations[use] = body.id
    },
    ({ formerKeys }) => formerKeys[use] !== undefined,
  ),
)

const awaitRotations = fc.constant(command('await the rotations', (_model, real) => rotationsEnd(real)))

interface Crash {
  at: HostPlace
  given: string | null
  asBefore: Record<KeyUse, boolean>
}

/** With an upsert and lookups under way, of which each is done or not, and none answered that was not. */
const crash = fc
  .record({
    at: place,
    given: password,
    asBefore: fc.record({ host_credentials: fc.boolean(), credentials: fc.boolean() }),
  })
  .map((what) =>
    command(`crash ${JSON.stringify(what)}`, async (model, real) => {
      const upserted = await crashDuring(what, model, real)
      await startAgain(model, real, what.asBefore)
      const { at, given } = what
      const { body } = await real.internal('POST', lookupPath, at)
      const after = body.reason === undefined ? (body.password as string | null) : undefined
      expect(upserted ? [given] : [model.hosts.get(keyOf(at)), given]).toContain(after)
      model.logged[after === undefined ? 'refused' : 'shown']++
      if (after !== undefined) model.hosts.set(keyOf(at), after)
    }),
  )

/** True where the upsert was answered. */
async function crashDuring({ at, given }: Crash, model: Model, real: ModelledBroker): Promise<boolean> {
  const statusOf = (path: string, body: object) =>
    real.internal('POST', path, body).then(
      ({ status }) => status,
      () => 0,
    )
  const underWay = [
    statusOf(upsertPath, { ...at, password: given }),
    ...hosts.map((host) => statusOf(lookupPath, { host, purpose: at.purpose })),
  ]
  await real.crash(underWay)
  const [upserted, ...looked] = await Promise.all(underWay)
  const count = (status: number) => looked.filter((one) => one === status).length
  model.logged.shown += count(200)
  model.logged.refused += count(404)
  model.logged.changed += upserted === 200 ? 1 : 0
  model.unanswered += looked.length - count(200) - count(404) + (upserted === 200 ? 0 : 1)
  return upserted === 200
}

/** With the keys that it was started with before, or with the present ones: it must come up with either. */
async function startAgain(
  model: Model,
  real: ModelledBroker,
  asBefore: Record<KeyUse, boolean>,
): Promise<void> {
  const keys = { ...model.keys }
  const running = {} as Record<KeyUse, boolean>
  for (const use of uses) {
    if (asBefore[use]) keys[use] = model.startedWith[use]
    running[use] = await isRunning(real, use)
  }
  await real.start(keys)
  model.startedWith = keys
  for (const use of uses) {
    const former = model.formerKeys[use]
    if (running[use] || keys[use] !== model.keys[use] || former === undefined) continue
    // The new key is kept safely, and nothing is under the old one, which is destroyed.
    delete model.formerKeys[use]
    await real.crash()
    await expect(real.start({ ...keys, [use]: former })).rejects.toThrow(
      /is not the key that encrypted the stored/,
    )
    await real.start(keys)
  }
}

const jump = fc.integer({ min: -36, max: 36 }).map((hours) =>
  command(`the clock jumps by ${hours} hours`, async (_model, real) => {
    real.clock.offsetMs += hours * 3_600_000
  }),
)

export const commands = fc.commands(
  [
    upsert,
    lookup,
    lookUpBatch,
    remove,
    create,
    use,
    rotateSecret,
    rollBackSecret,
    deleteCredential,
    restoreCredential,
    upsert,
    lookup,
    use,
  ].concat([rotateKey, rotateKey, rollBackKey, awaitRotations, crash, jump] as never[]),
  { maxCommands: 40, size: 'max' },
)
