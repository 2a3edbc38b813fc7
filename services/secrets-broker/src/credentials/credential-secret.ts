import type { Sealed } from '@opsconductor/crypto'
import type { Cipher, Encrypted } from '../keyring/ciphers.ts'

interface Place {
  id: string
  projectId: string
}

/** Binds a ciphertext to its row and project: copied to another, it does not open. */
const aadOf = ({ id, projectId }: Place) => JSON.stringify(['secrets.credentials', id, projectId])

export const sealSecret = (cipher: Cipher, place: Place, secret: Record<string, string>): Sealed =>
  cipher.encrypt(JSON.stringify(secret), aadOf(place))

export const openSecret = (cipher: Cipher, place: Place, encrypted: Encrypted): Record<string, string> =>
  JSON.parse(cipher.decrypt(encrypted, aadOf(place)))
