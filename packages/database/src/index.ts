export { databaseRoles, migrate, rollBack, setRolePasswords, urlForRole } from './migrate.ts'
export {
  createPool,
  databaseUnavailable,
  isForeignKeyViolation,
  isUniqueViolation,
  type PoolOptions,
} from './pool.ts'
export { prismaOptions } from './prisma-options.ts'
export { refuseTaken } from './refuse-taken.ts'
export { transaction } from './transaction.ts'
