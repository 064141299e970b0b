export { MemoryBroker } from './broker.ts'
