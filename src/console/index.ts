export { type OpsOptions, startOps } from './server.ts'
