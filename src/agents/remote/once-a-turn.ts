/** @returns what has a step taken when the turn that asks for it is over, once, however often it was asked for. */
export function onceATurn(step: () => void): () => void {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    queueMicrotask(() => {
      isDue = false
      step()
    })
  }
}
