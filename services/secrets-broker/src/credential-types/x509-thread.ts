import { parentPort, workerData } from 'node:worker_threads'
import { readX509Now } from './read-x509.ts'

// What opening an encrypted bundle or key costs must not hold up the broker's other callers.
parentPort?.postMessage(readX509Now(workerData.given, workerData.now))
