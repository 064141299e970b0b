export { checkAccess } from './log-in/guarding.ts'
export { type OpsOptions, startOps } from './server.ts'
