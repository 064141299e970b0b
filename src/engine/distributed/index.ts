export { DistributedEngine, type DistributedOptions } from './engine.ts'
