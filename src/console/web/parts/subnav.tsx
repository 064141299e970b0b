import { hrefTo } from '../router.ts'

/** The views of one page, each with its own URL. */
export function SubNav({
  label,
  at,
  views,
}: {
  readonly label: string
  readonly at: string
  readonly views: readonly {
    readonly at: string
    readonly parts: readonly string[]
    readonly title: string
    readonly count?: number | undefined
  }[]
}) {
  return (
    <nav class="subnav" aria-label={label}>
      <ul>
        {views.map(view => (
          <li key={view.at}>
            <a href={hrefTo(view.parts)} aria-current={view.at === at ? 'page' : undefined}>
              {view.title}
              {view.count !== undefined && view.count > 0 && <span class="count">{view.count.toLocaleString('en')}</span>}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** The way back up from one thing to all of them. */
export function Crumbs({
  up,
  title,
}: {
  readonly up: readonly { readonly parts: readonly string[]; readonly title: string }[]
  readonly title: string
}) {
  return (
    <nav class="crumbs" aria-label="Where this is">
      {up.map(each => (
        <span key={each.title}>
          <a href={hrefTo(each.parts)}>{each.title}</a> <span aria-hidden="true">/</span>{' '}
        </span>
      ))}
      <span aria-current="page">{title}</span>
    </nav>
  )
}
