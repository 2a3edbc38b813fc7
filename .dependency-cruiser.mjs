/** The import rules of the house: what may know what. */
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'services-do-not-import-services',
      comment: 'Services meet in packages/contracts and over the wire.',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'packages-do-not-import-services',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(services|infra|kong)/' },
    },
    {
      name: 'contracts-import-only-zod',
      severity: 'error',
      from: { path: '^packages/contracts/src' },
      to: { pathNot: ['^packages/contracts/src', 'node_modules/zod'] },
    },
    {
      name: 'routes-hold-no-sql',
      comment: 'routes → use cases → store → database',
      severity: 'error',
      from: { path: '^services/[^/]+/src/.*routes\\.ts$' },
      to: { path: ['/store\\.ts$', '^packages/database/', 'node_modules/pg/', '/generated/'] },
    },
    {
      name: 'only-stores-touch-the-database',
      severity: 'error',
      from: {
        path: '^services/[^/]+/src/',
        pathNot: ['store\\.ts$', '/src/deps\\.ts$', '/generated/', '\\.test\\.ts$'],
      },
      to: { path: ['/generated/', 'node_modules/@prisma/'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'rooms-do-not-reach-into-each-others-store',
      severity: 'error',
      from: { path: '^services/([^/]+)/src/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^services/$1/src/[^/]+/store\\.ts$',
        pathNot: '^services/$1/src/$2/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'workflow-files-stay-deterministic',
      comment: 'Temporal replays them: only the workflow SDK, Nexus contracts, contracts and pure functions.',
      severity: 'error',
      from: { path: ['\\.workflow\\.ts$', '^services/[^/]+/src/.*/workflow/'], pathNot: '\\.test\\.ts$' },
      to: {
        path: [
          'node_modules/(?!\\.pnpm/|@temporalio/(workflow|common)/|nexus-rpc/|zod/|mustache/)',
          '^node:',
          '/store\\.ts$',
          '/deps\\.ts$',
          '/config\\.ts$',
        ],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'main-is-only-wiring',
      severity: 'error',
      from: { path: '^services/[^/]+/src/main\\.ts$' },
      to: { path: '^services/', pathNot: ['/src/(app|deps|config|background)\\.ts$'] },
    },
    {
      name: 'no-test-code-in-the-product',
      severity: 'error',
      from: {
        path: '^(services|packages)/',
        pathNot: ['\\.test\\.ts$', '/test/', '^packages/(test-peers|e2e)/'],
      },
      to: { path: ['^packages/test-peers/', '\\.test\\.ts$'] },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/generated/' },
    exclude: { path: '/generated/.*/internal/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
    parser: 'swc',
  },
}
