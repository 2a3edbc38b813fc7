import type { Cipher, Place, Sealed } from '../keyring/cipher.ts'

interface Owner {
  id: string
  projectId: string
}

const placeOf = ({ id, projectId }: Owner): Place => ({ table: 'secrets.vaults', id, projectId })

export const sealAuth = (cipher: Cipher, owner: Owner, auth: Record<string, unknown>): Promise<Sealed> =>
  cipher.seal(placeOf(owner), JSON.stringify(auth))

export const openAuth = async (
  cipher: Cipher,
  vault: Owner & { auth: Sealed },
): Promise<Record<string, unknown>> => JSON.parse(await cipher.open(placeOf(vault), vault.auth))

const copyPlaceOf = ({ id, projectId }: Owner): Place => ({ table: 'secrets.vault_copies', id, projectId })

/** The keys of a vault's secret that a synchronised credential needs. */
export const sealCopy = (cipher: Cipher, owner: Owner, values: Record<string, string>): Promise<Sealed> =>
  cipher.seal(copyPlaceOf(owner), JSON.stringify(values))

export const openCopy = async (
  cipher: Cipher,
  owner: Owner,
  sealed: Sealed,
): Promise<Record<string, string>> => JSON.parse(await cipher.open(copyPlaceOf(owner), sealed))
