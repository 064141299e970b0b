export { openMemoryTrace } from './memory-trace.ts'
