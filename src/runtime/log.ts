/**
 * Where the runtime says what people should know; the command line decides how it looks. One sentence a call, without a line's end.
 * `agent`: which one it is about, by its `name@version` in the graph, where it is about one.
 */
export interface Log {
  info(text: string, agent?: string): void
  warn(text: string, agent?: string): void
  error(text: string, agent?: string): void
}

export const silentLog: Log = { info() {}, warn() {}, error() {} }
