/** The Kong release whose answers the dev gateway repeats. */
export const kongVersion = '3.9.1'
export const serverToken = `kong/${kongVersion}`
