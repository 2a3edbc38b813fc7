/** The actor of what nobody asked for. */
export const bySchedule = 'schedule'
