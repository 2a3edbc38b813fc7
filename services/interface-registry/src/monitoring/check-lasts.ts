/**
 * In SQL: how long a check counts as under way. It takes less by far: one that began earlier has lost its process, so
 * another may begin, and nothing is lent for it any more.
 */
export const checkLasts = `interval '30 seconds'`
