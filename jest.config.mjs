/** Native ESM. Types are stripped by Node itself, so a test runs the same code as `node src/main.ts`. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/infra/scripts/jest/strip-types.mjs' },
  reporters: ['default', '<rootDir>/infra/scripts/jest/report.mjs'],
  testMatch: ['<rootDir>/{services,packages,kong,infra}/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.opsconductor'],
  testTimeout: 30_000,
  // Not more on larger machines: all share one PostgreSQL, and some start a whole stack.
  maxWorkers: 2,
  // A server that a failed test left open must not hang the run; leaks show as jest's warning.
  forceExit: true,
}
