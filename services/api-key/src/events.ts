import { type Caller, callerLabel } from '@opsconductor/auth'
import type { Role } from '@opsconductor/contracts'
import type { Logger, Metrics } from '@opsconductor/service-kit'

type SignInOutcome = 'succeeded' | 'wrong' | 'throttled' | 'undecided'

/** One function per business event: its log line and its counter. No key, password or token is ever given to them. */
export function createEvents(log: Logger, metrics: Metrics) {
  const signIns = metrics.counter('api_key_sign_ins_total', 'Attempts to sign in, by outcome.', ['outcome'])
  const sessions = metrics.counter('api_key_sessions_total', 'Changes of sessions.', ['change'])
  const keys = metrics.counter('api_key_key_changes_total', 'Changes of API keys.', ['change'])
  const verifications = metrics.counter('api_key_verifications_total', 'Verified keys, by answer.', [
    'answer',
  ])
  const people = metrics.counter('api_key_people_changes_total', 'Changes of users and members.', ['change'])

  return {
    signIn(outcome: SignInOutcome, facts: { email: string; clientAddress: string; userId?: string }) {
      signIns.inc({ outcome })
      const line = { outcome, email: facts.email, client_address: facts.clientAddress, user_id: facts.userId }
      if (outcome === 'succeeded') log.info(line, 'sign-in')
      else log.warn(line, 'sign-in')
    },
    sessionRefreshed() {
      sessions.inc({ change: 'refreshed' })
    },
    sessionEnded(userId: string) {
      sessions.inc({ change: 'ended' })
      log.info({ user_id: userId }, 'signed out')
    },
    refreshTokenReused(facts: { userId: string; familyId: string }) {
      sessions.inc({ change: 'reuse_detected' })
      log.warn(
        { user_id: facts.userId, family_id: facts.familyId },
        'a used refresh token came again: its sessions were ended',
      )
    },
    keyChanged(change: 'created' | 'revoked' | 'regenerated', caller: Caller, keyId: string) {
      keys.inc({ change })
      log.info({ change, key_id: keyId, by: callerLabel(caller) }, 'API key changed')
    },
    keyVerified(answer: string) {
      verifications.inc({ answer })
    },
    keyUseNotWritten(error: unknown) {
      log.warn({ err: error }, 'last_used_at could not be written; it is tried again')
    },
    userCreated(userId: string, by: string) {
      people.inc({ change: 'user_created' })
      log.info({ user_id: userId, by }, 'user created')
    },
    userUpdated(userId: string, caller: Caller, fields: readonly string[]) {
      people.inc({ change: 'user_updated' })
      log.info({ user_id: userId, fields, by: callerLabel(caller) }, 'user updated')
    },
    projectCreated(projectId: string, caller: Caller) {
      people.inc({ change: 'project_created' })
      log.info({ project_id: projectId, by: callerLabel(caller) }, 'project created')
    },
    projectDeleted(projectId: string, caller: Caller) {
      people.inc({ change: 'project_deleted' })
      log.info({ project_id: projectId, by: callerLabel(caller) }, 'project deleted')
    },
    memberChanged(facts: { projectId: string; userId: string; role: Role | null }, caller: Caller) {
      people.inc({ change: facts.role === null ? 'member_removed' : 'member_set' })
      log.info(
        {
          project_id: facts.projectId,
          user_id: facts.userId,
          role: facts.role,
          by: callerLabel(caller),
        },
        'member changed',
      )
    },
  }
}

export type Events = ReturnType<typeof createEvents>
