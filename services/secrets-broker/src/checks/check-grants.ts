import { randomUUID } from 'node:crypto'

interface Grant {
  projectId: string
  credentialId: string
  askedBy: string
  until: number
}

export interface CheckGrants {
  /** Lets one check borrow one credential, once, within half a minute. */
  open(grant: Omit<Grant, 'until'>): { checkId: string; close(): void }
  /** Uses the grant up; false where there is none for just this credential of this project. */
  take(checkId: string, asked: Pick<Grant, 'projectId' | 'credentialId'>): boolean
  /** Why a credential is read under this id, for the access log. */
  reasonOf(checkId: string): string
}

const grantedMs = 30_000

/** In memory: a check that this process did not begin borrows nothing here. */
export function createCheckGrants(now: () => number = Date.now): CheckGrants {
  const grants = new Map<string, Grant>()
  return {
    open(grant) {
      const checkId = randomUUID()
      grants.set(checkId, { ...grant, until: now() + grantedMs })
      return { checkId, close: () => grants.delete(checkId) }
    },
    take(checkId, { projectId, credentialId }) {
      const id = checkId.toLowerCase()
      const grant = grants.get(id)
      // Used up also by who asks for another credential under it: it is not the check that we began.
      grants.delete(id)
      return (
        grant !== undefined &&
        grant.until > now() &&
        grant.projectId === projectId.toLowerCase() &&
        grant.credentialId === credentialId
      )
    },
    reasonOf(checkId) {
      const grant = grants.get(checkId.toLowerCase())
      return grant === undefined ? 'credential check' : `credential check asked for by ${grant.askedBy}`
    },
  }
}
