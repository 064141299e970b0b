/** Where the runtime says what people should know; the command line decides how it looks. One sentence a call, without a line's end. */
export interface Log {
  info(text: string): void
  warn(text: string): void
  error(text: string): void
}

export const silentLog: Log = { info() {}, warn() {}, error() {} }
