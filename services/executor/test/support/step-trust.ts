import { chooseAuthorities, type ProjectTrust } from '@opsconductor/reach'

/** A project's trust without a broker: bundles called `bundle 0`, `bundle 1`, …, and no SSH host. */
export const trustOf = (caBundles: readonly string[] = [], limits: string[][] = []): ProjectTrust => ({
  authorities: (connection) =>
    chooseAuthorities(
      async () => caBundles.map((certificates, index) => ({ name: `bundle ${index}`, certificates })),
      limits,
      connection,
    ),
  hostKeys: async () => [],
  reportHostKey: async () => {},
})
