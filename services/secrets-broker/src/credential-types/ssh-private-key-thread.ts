import { parentPort, workerData } from 'node:worker_threads'
import { openNow } from './ssh-private-key.ts'

// What opening an encrypted key costs must not hold up the broker's other callers.
parentPort?.postMessage(openNow(workerData))
