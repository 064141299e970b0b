import type { ComponentChildren } from 'preact'
import type { Resource } from '../live/resource.ts'

/** What a view shows when there is nothing: why, and what would change it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="state">
      <h2>{title}</h2>
      {children}
    </div>
  )
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="state" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what}…
    </p>
  )
}

/** What happened, and what to do. */
export function Failed({ problem }: { readonly problem: { readonly message: string } }) {
  return (
    <p class="state failed" role="alert">
      {problem.message}
    </p>
  )
}

/** A resource's answer as `draw` shows it; loading and refusal as they are everywhere. */
export function Show<Answer>({
  resource,
  what,
  children,
}: {
  readonly resource: Resource<Answer>
  readonly what: string
  readonly children: (answer: Answer) => ComponentChildren
}) {
  const { answer, problem } = resource
  if (answer === undefined) return problem === undefined ? <Loading what={what} /> : <Failed problem={problem} />
  return (
    <>
      {problem !== undefined && <Failed problem={problem} />}
      {children(answer)}
    </>
  )
}
