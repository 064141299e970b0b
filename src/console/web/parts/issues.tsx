import type { ApiProblem } from '../live/api.ts'

/** A refusal with what is wrong with the datum, place by place. */
export function Issues({ problem }: { readonly problem: ApiProblem }) {
  return (
    <div class="note bad" role="alert">
      <p>{problem.message}</p>
      {problem.issues.length > 0 && (
        <ul>
          {problem.issues.map(({ path, message }) => (
            <li key={`${path} ${message}`}>
              <code>{path === '' ? '(the whole)' : path}</code> {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
