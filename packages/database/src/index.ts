export { databaseRoles, migrate, rollBack, setRolePasswords, urlForRole } from './migrate.ts'
export {
  createPool,
  databaseUnavailable,
  isForeignKeyViolation,
  isUniqueViolation,
  type PoolOptions,
} from './pool.ts'
export { prismaAdapter } from './prisma-adapter.ts'
export { transaction } from './transaction.ts'
