import { useId } from 'preact/hooks'

/** Conditions that all must hold, each as `millrace tap --where` takes it; Enter adds one. */
export function Conditions({ values, onChange }: { readonly values: readonly string[]; onChange(values: readonly string[]): void }) {
  const id = useId()
  return (
    <div class="field conditions">
      <label for={id} class="dim">
        Conditions
      </label>
      <div class="row">
        {values.map(value => (
          <button
            key={value}
            type="button"
            class="condition"
            aria-label={`Take out the condition ${value}`}
            onClick={() => onChange(values.filter(other => other !== value))}
          >
            <code>{value}</code> <span aria-hidden="true">×</span>
          </button>
        ))}
        <input
          id={id}
          placeholder="field=value"
          title="field=value, also != > < >= <= and ~ (contains); @source, @key and @data_id are the envelope’s"
          // Also when it is left: what is typed is meant.
          onChange={event => {
            const value = event.currentTarget.value.trim()
            event.currentTarget.value = ''
            if (value !== '' && !values.includes(value)) onChange([...values, value])
          }}
        />
      </div>
    </div>
  )
}
