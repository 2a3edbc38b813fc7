/** The servers that a limited API key may manage, and how the key is written in `created_by`. */
export interface ClientLimit {
  serverIds: readonly string[]
  by: string
}

/** The certificates that a limited API key sees, as Prisma's `where`: those on its servers, and those it made. */
export function certificateWithin({ serverIds, by }: ClientLimit) {
  const on = { some: { serverId: { in: [...serverIds] } } }
  return { OR: [{ createdBy: by }, { vhosts: on }, { deployments: on }] }
}
