/** What is awaited, or `signal`'s reason where it fires first. */
export async function unlessAborted<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  if (signal.aborted) stop()
  try {
    return await Promise.race([awaited, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
