/**
 * What it means that a peer of the tests cannot be had on this machine: with CI=true it throws, elsewhere the tests that
 * need it are left out, with one line that says how to get it.
 */
export function leaveOut(tests: string, reason: string, say: (line: string) => void): void {
  if (process.env.CI === 'true') throw new Error(reason)
  say(`the tests of ${tests} are left out. ${reason}`)
}
