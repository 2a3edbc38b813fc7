/** What one input may hold at most, so that nothing that is given can occupy the process. */
export const inputBytesMax = 1024 * 1024
export const certificateBytesMax = 64 * 1024
export const certificatesMax = 50
export const keysMax = 10
export const passphraseCharactersMax = 1024

/**
 * What deriving keys from a passphrase may cost in one input, in iterations of PBKDF2, which take about 0.2 µs each: well
 * below a second. Old Java key stores, with 400,000 hashes of PKCS #12's own derivation, still fit.
 */
export const derivationWorkMax = 4_000_000

export const rsaBitsMin = 2048
export const rsaBitsMax = 8192

/** From the leaf to the anchor, both counted. */
export const chainLengthMax = 10
/** How many steps the search for a path takes at most, whatever cross-signs it is given. */
export const chainSearchStepsMax = 1000

/** How many names are compared with how many constraints: one certificate of 64 KB holds thousands of either. */
export const nameComparisonsMax = 20_000
