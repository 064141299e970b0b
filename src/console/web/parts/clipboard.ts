/**
 * Puts a text on the clipboard. A browser gives that to pages of this machine and of HTTPS alone; on any other a text that is selected is copied, as
 * by the keyboard. @returns whether it is there.
 */
export async function copyText(text: string): Promise<boolean> {
  // The types know secure pages alone.
  const clipboard = navigator.clipboard as Clipboard | undefined
  if (clipboard === undefined) return copySelected(text)
  return clipboard.writeText(text).then(
    () => true,
    () => copySelected(text),
  )
}

function copySelected(text: string): boolean {
  const before = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'unseen'
  // What is outside of an open dialog cannot be selected.
  ;(document.querySelector('dialog[open]') ?? document.body).append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  return isCopied
}
