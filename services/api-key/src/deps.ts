import { randomUUID } from 'node:crypto'
import {
  type Authenticate,
  createAuthenticator,
  createKeyUse,
  createKeyVerifier,
  createSessionVerifier,
  type KeyUse,
} from '@opsconductor/auth'
import type { KeyVerification } from '@opsconductor/contracts'
import { createPool, prismaOptions } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import {
  createInternalClient,
  createLog,
  createMetrics,
  type InternalClient,
  internalKeys,
  type Logger,
  type Metrics,
} from '@opsconductor/service-kit'
import type pg from 'pg'
import type { ApiKeyConfig } from './config.ts'
import { createEvents, type Events } from './events.ts'
import { PrismaClient } from './generated/client.ts'
import { createKeyStore, type KeyStore } from './keys/store.ts'
import { verifyKey } from './keys/verify-key.ts'
import { createMemberStore, type MemberStore } from './members/store.ts'
import { createPasswordHasher, type PasswordHasher } from './passwords/password-hasher.ts'
import { createProjectStore, type ProjectStore } from './projects/store.ts'
import { type AccessTokens, createAccessTokens } from './sessions/access-token.ts'
import { createSignInThrottle, type SignInThrottle } from './sessions/sign-in-throttle.ts'
import { createSessionStore, type SessionStore } from './sessions/store.ts'
import { createUserStore, type UserStore } from './users/store.ts'

export interface Deps {
  config: ApiKeyConfig
  log: Logger
  metrics: Metrics
  events: Events
  now: () => number
  pool: pg.Pool
  users: UserStore
  projects: ProjectStore
  members: MemberStore
  keys: KeyStore
  sessions: SessionStore
  passwords: PasswordHasher
  throttle: SignInThrottle
  tokens: AccessTokens
  keyUse: KeyUse
  verifyKey(key: string): Promise<KeyVerification>
  authenticate: Authenticate
  registry: InternalClient
  dispose(): Promise<void>
}

export async function createDeps(
  config: ApiKeyConfig,
  { now = Date.now, log = createLog('api-key', config.LOG_LEVEL) }: { now?: () => number; log?: Logger } = {},
): Promise<Deps> {
  const metrics = createMetrics()
  const events = createEvents(log, metrics)
  const passwords = await createPasswordHasher(metrics)
  const tokens = await createAccessTokens(config.SESSION_SIGNING_KEY, now)
  const pool = createPool({
    connectionString: config.DATABASE_URL,
    applicationName: 'api-key',
    onIdleError: (error) => log.warn({ err: error }, 'a database connection was lost'),
  })
  // The default format quotes the arguments of a call that fails, hashes among them.
  const prisma = new PrismaClient({ ...prismaOptions(pool, 'api_key'), errorFormat: 'minimal' })
  const keys = createKeyStore(prisma, pool)
  const members = createMemberStore(prisma, pool)
  const keyUse = createKeyUse({ write: keys.recordUse, onWriteError: events.keyUseNotWritten })
  const registry = createInternalClient({
    urls: { 'interface-registry': config.INTERFACE_REGISTRY_URL },
    key: internalKeys(config, 'api-key').own,
  })
  const verify = (key: string) => verifyKey({ keys, keyUse, events, now, pepper: config.API_KEY_PEPPER }, key)
  const own = createOwnAuth({ verify, members, tokens, now })
  return {
    config,
    log,
    metrics,
    events,
    now,
    pool,
    users: createUserStore(prisma),
    projects: createProjectStore(prisma),
    members,
    keys,
    sessions: createSessionStore(prisma, randomUUID),
    passwords,
    throttle: createSignInThrottle(now),
    tokens,
    keyUse,
    verifyKey: verify,
    authenticate: own.authenticate,
    registry,
    async dispose() {
      await own.stop()
      await keyUse.stop()
      await registry.close()
      await prisma.$disconnect()
      await pool.end()
    },
  }
}

/** The platform's authenticator on this service's own use cases: no HTTP to itself, and nothing remembered. */
function createOwnAuth(own: {
  verify(key: string): Promise<KeyVerification>
  members: MemberStore
  tokens: AccessTokens
  now: () => number
}): { authenticate: Authenticate; stop(): Promise<void> } {
  const keys = createKeyVerifier({
    cache: { get: (_digest, load) => load() },
    verify: own.verify,
    // own.verify has recorded it already
    reportUse: async () => {},
    onReportError: () => {},
    now: own.now,
  })
  return {
    authenticate: createAuthenticator({
      keys,
      verifySession: createSessionVerifier(async () => own.tokens.jwks, own.now),
      async memberships(userId) {
        const memberships = await own.members.membershipsOf(userId)
        if (memberships === undefined)
          throw new AppError('invalid_session', 'The session is not valid or has ended; sign in again.')
        return memberships
      },
    }),
    stop: keys.stop,
  }
}
