import { parentPort, workerData } from 'node:worker_threads'
import { openNow } from './open-private-key.ts'

parentPort?.postMessage(openNow(workerData))
