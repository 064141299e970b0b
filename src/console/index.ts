export { type Ops, type OpsOptions, startOps } from './server.ts'
