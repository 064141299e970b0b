import { useState } from 'preact/hooks'
import { copyText } from './clipboard.ts'
import { say } from './said.tsx'

/** The command that does the same as the button or view beside it. */
export function Command({ text }: { readonly text: string }) {
  return (
    <span class="command">
      <code>{text}</code>
      <Copy text={text} what={`the command: ${text}`} />
    </span>
  )
}

/** Puts a text on the clipboard, and says so. */
export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    if (!(await copyText(text))) return say('The browser does not let this page copy: select the text, and copy it by the keyboard.')
    setCopied(true)
    setTimeout(() => setCopied(false), 1_500)
  }
  return (
    <button type="button" class="quiet" onClick={() => void copy()} aria-label={copied ? 'Copied' : `Copy ${what}`}>
      {copied ? 'Copied' : 'Copy'}
    </button>
  )
}
