import { z } from 'zod'
import { defineCredentialType, secretField, secretObject } from './define-credential-type.ts'

/**
 * Parameters that only tune a connection. The driver knows others that name another host, or files to read as
 * certificates on the machine that connects.
 */
const harmlessParameters = new Set(['sslmode', 'application_name', 'connect_timeout', 'statement_timeout'])

/** What is wrong with a DSN, in words that quote nothing of it; undefined where nothing is. */
function faultOf(dsn: string): string | undefined {
  if (!URL.canParse(dsn)) return 'must be a URL like postgres://user:password@host:5432/database'
  const url = new URL(dsn)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    return 'must begin with postgres:// or postgresql://'
  if (url.hostname === '') return 'must name a host'
  if (url.hash !== '') return 'must not have a fragment; is # in the password written as %23?'
  if (![...url.searchParams.keys()].every((name) => harmlessParameters.has(name)))
    return `may have only these parameters: ${[...harmlessParameters].join(', ')}`
  try {
    passwordOf(dsn)
  } catch {
    return 'has a password that is not valid percent-encoding'
  }
  return undefined
}

const passwordOf = (dsn: string): string => decodeURIComponent(new URL(dsn).password)

export const dbDsn = defineCredentialType({
  type: 'db_dsn',
  title: 'Database connection string',
  mainSecret: 'dsn',
  secret: secretObject({
    dsn: secretField.superRefine((dsn, context) => {
      const fault = faultOf(dsn)
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
    }),
  }),
  extra: z.strictObject({}),
  secretsToRedact({ dsn }) {
    const password = passwordOf(dsn)
    return password === '' ? [dsn] : [dsn, password]
  },
})
