export { attached } from './attached.ts'
export { type CommandOptions, command } from './command.ts'
export { type HttpOptions, http } from './http/http.ts'
