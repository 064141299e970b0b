/**
 * Where the runtime says what people should know; the command line decides how it looks. One sentence a call, without a line's end, at most
 * one call a batch, and no payloads.
 * `agent`: which one it is about, by its `name@version` in the graph, where it is about one. `cause`: the error that it is about, whose stable
 * code goes with the sentence.
 */
export interface Log {
  info(text: string, agent?: string): void
  warn(text: string, agent?: string, cause?: unknown): void
  error(text: string, agent?: string, cause?: unknown): void
}

export const silentLog: Log = { info() {}, warn() {}, error() {} }
