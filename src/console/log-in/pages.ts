/** What a log-in page offers. */
interface Offered {
  readonly oidc: boolean
  readonly token: boolean
  /** Where the browser wanted to go. */
  readonly to: string
  /** Why the last attempt failed. */
  readonly problem?: string
}

/** The page to log in at. Without a script: it works wherever a form does, and before anything is let in. */
export function logInPage({ oidc, token, to, problem }: Offered): string {
  const where = escaped(safePath(to))
  const provider = `<p><a class="button" href="/auth/login?to=${escaped(encodeURIComponent(safePath(to)))}">Log in</a></p>`
  const form = `<form method="post" action="/auth/token">
      <input type="hidden" name="to" value="${where}">
      <label for="token">Token</label>
      <input id="token" name="token" type="password" autocomplete="off" required${oidc ? '' : ' autofocus'}>
      <button type="submit">Log in with a token</button>
    </form>`
  const nobody = `<p>Nobody can log in yet. Whoever may write the data directory of this process makes a token:</p>
    <pre>millrace console token add &lt;name&gt; --role operator</pre>`
  return page(
    'Log in',
    `<h1>Millrace</h1>
    ${problem === undefined ? '' : `<p class="problem" role="alert">${escaped(problem)}</p>`}
    ${oidc ? provider : ''}
    ${token ? form : ''}
    ${oidc || token ? '' : nobody}`,
  )
}

/**
 * Goes on to a page of ours by itself. No redirect: the browser came here from another site, and would not send the cookie that is for requests
 * of our own pages alone.
 */
export function goOnPage(to: string): string {
  const path = escaped(safePath(to))
  return page(
    'Logged in',
    `<h1>Millrace</h1><p>You are logged in. <a href="${path}">Go on</a></p>`,
    `<meta http-equiv="refresh" content="0; url=${path}">`,
  )
}

/** A path of this listener, whatever was given: never an address of elsewhere. */
export function safePath(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(to) && !/^\/auth\//.test(to) ? to : '/console/'
}

export const PAGE_CSS = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { width: min(22rem, 90vw); }
label, input, button, .button { display: block; box-sizing: border-box; width: 100%; font: inherit; }
input { margin: 0.25rem 0 1rem; padding: 0.5rem; border: 1px solid GrayText; border-radius: 4px; }
button, .button { padding: 0.6rem; border: 0; border-radius: 4px; background: #1d4ed8; color: #fff; text-align: center; text-decoration: none; cursor: pointer; }
:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
.problem { border-left: 4px solid #dc2626; padding-left: 0.75rem; }
pre { white-space: pre-wrap; }
`

function page(title: string, body: string, head = ''): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title} · Millrace</title>
    <link rel="stylesheet" href="/auth/page.css">
    ${head}
  </head>
  <body>
    <main>
    ${body}
    </main>
  </body>
</html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
