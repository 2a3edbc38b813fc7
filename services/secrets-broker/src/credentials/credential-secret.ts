import type { Cipher, Place, Sealed } from '../keyring/cipher.ts'

type Owner = Omit<Place, 'table'>
export type SecretParts = Record<string, string>

const placeOf = ({ id, projectId }: Owner): Place => ({ table: 'secrets.credentials', id, projectId })

/** A former version's ciphertext has a place of its own, so that none can be put in another's. */
const versionPlaceOf = ({ id, projectId }: Owner, version: number): Place => ({
  table: 'secrets.credential_versions',
  id: `${id}/${version}`,
  projectId,
})

export const sealSecret = (cipher: Cipher, owner: Owner, secret: SecretParts): Promise<Sealed> =>
  cipher.seal(placeOf(owner), JSON.stringify(secret))

export const openSecret = async (cipher: Cipher, owner: Owner, sealed: Sealed): Promise<SecretParts> =>
  JSON.parse(await cipher.open(placeOf(owner), sealed))

export const sealVersion = (
  cipher: Cipher,
  owner: Owner,
  version: number,
  secret: SecretParts,
): Promise<Sealed> => cipher.seal(versionPlaceOf(owner, version), JSON.stringify(secret))

export const openVersion = async (
  cipher: Cipher,
  owner: Owner,
  version: number,
  sealed: Sealed,
): Promise<SecretParts> => JSON.parse(await cipher.open(versionPlaceOf(owner, version), sealed))
