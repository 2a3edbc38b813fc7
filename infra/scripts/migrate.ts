/**
 * Applies the migrations and gives the services' login roles their passwords: what `npm start` does by itself and
 * docker-compose.yml does once before the services. Reads DATABASE_URL (the owner's) and <ROLE>_PASSWORD of each role.
 *
 *   npm run migrate
 *   npm run migrate -- --down 2      takes the last two migrations back, with all that is in their tables
 */
import { parseArgs } from 'node:util'
import { databaseRoles, migrate, rollBack, setRolePasswords } from '@opsconductor/database'

const passwordVariable = (role: string) => `${role.toUpperCase()}_PASSWORD`
const { values } = parseArgs({ options: { down: { type: 'string' } } })
const passwords =
  values.down === undefined ? Object.values(databaseRoles).map(({ role }) => passwordVariable(role)) : []
const missing = ['DATABASE_URL', ...passwords].filter((name) => !process.env[name])
if (missing.length > 0) {
  console.error(`migrate: ${missing.map((name) => `${name} not set`).join('; ')}`)
  process.exit(1)
}
const databaseUrl = process.env.DATABASE_URL as string
if (values.down === undefined) {
  const applied = await migrate(databaseUrl)
  await setRolePasswords(databaseUrl, (role) => process.env[passwordVariable(role)] as string)
  console.log(applied.length === 0 ? 'the schema is up to date' : `applied ${applied.join(', ')}`)
} else if (/^[1-9]\d{0,3}$/.test(values.down)) {
  const undone = await rollBack(databaseUrl, Number(values.down))
  console.log(undone.length === 0 ? 'there is nothing to take back' : `took back ${undone.join(', ')}`)
} else {
  console.error('migrate: --down must say how many migrations to take back')
  process.exit(1)
}
