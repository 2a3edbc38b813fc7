/** `npm run setup:pkcs11`: compiles what the broker needs to keep its master key in an HSM. */
import { cacheDirectory } from '../local/layout.ts'
import { ensurePkcs11Binding } from './pkcs11-binding.ts'

const missing = ensurePkcs11Binding(cacheDirectory(process.env), console.log)
console.log(missing === undefined ? 'The PKCS#11 binding is ready.' : `setup:pkcs11: ${missing}`)
process.exit(missing === undefined ? 0 : 1)
