/** host:port of the real Temporal server of the test run. */
export function testTemporalAddress(): string {
  const address = process.env.TEST_TEMPORAL_ADDRESS
  if (address === undefined) throw new Error('TEST_TEMPORAL_ADDRESS is not set: run the tests with npm test')
  return address
}
