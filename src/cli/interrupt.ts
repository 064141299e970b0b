/**
 * One Ctrl-C may come as several signals: the terminal sends it to everyone in the foreground, and npm, or a script around the
 * command, hands it on. Those within so many milliseconds of the first are that same one, or nothing would ever end in order there.
 */
const SAME_MS = 500

/**
 * A signal that aborts at the first Ctrl-C (or SIGTERM), so that a command can end in order; at the second the process ends at once.
 * Disposing gives the signals back.
 */
export function untilInterrupted(): { readonly signal: AbortSignal; [Symbol.dispose](): void } {
  const controller = new AbortController()
  let firstMs = 0
  const onSignal = () => {
    if (!controller.signal.aborted) {
      firstMs = performance.now()
      controller.abort()
    } else if (performance.now() - firstMs > SAME_MS) process.exit(130)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
