export { type CachedLookup, type CachedLookupOptions, createCachedLookup } from './cached-lookup.ts'
export { type EventListener, type ListenOptions, listenForEvents } from './listen.ts'
export { type ChangeEvent, publishEvent } from './publish.ts'
