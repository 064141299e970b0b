export { DistributedEngine } from './engine.ts'
