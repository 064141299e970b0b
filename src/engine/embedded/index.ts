export { openInMemory } from './memory.ts'
export { connectEmbedded, type EmbeddedEngine, openEmbedded } from './open.ts'
export type { EmbeddedOptions } from './options.ts'
export { viewEmbedded } from './view.ts'
