/**
 * Applies the migrations and gives the services' login roles their passwords: what `npm start` does by itself and
 * docker-compose.yml does once before the services. Reads DATABASE_URL (the owner's) and <ROLE>_PASSWORD of each role.
 */
import { databaseRoles, migrate, setRolePasswords } from '@opsconductor/database'

const passwordVariable = (role: string) => `${role.toUpperCase()}_PASSWORD`
const wanted = ['DATABASE_URL', ...Object.values(databaseRoles).map(({ role }) => passwordVariable(role))]
const missing = wanted.filter((name) => !process.env[name])
if (missing.length > 0) {
  console.error(`migrate: ${missing.map((name) => `${name} not set`).join('; ')}`)
  process.exit(1)
}
const databaseUrl = process.env.DATABASE_URL as string
const applied = await migrate(databaseUrl)
await setRolePasswords(databaseUrl, (role) => process.env[passwordVariable(role)] as string)
console.log(applied.length === 0 ? 'the schema is up to date' : `applied ${applied.join(', ')}`)
