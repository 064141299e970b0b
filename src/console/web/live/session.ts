import { computed, effect, signal } from '@preact/signals'
import type { Session } from '../../api/session.ts'

/** Who is logged in. undefined: not known yet. null: nobody, and the listener wants to know who asks. */
export const session = signal<Session | null | undefined>(undefined)

/** Whether that one may change things; viewers see everything and change nothing. */
export const mayChange = computed(() => session.value?.role === 'operator')

/** How one logs in here, as it was last known. */
export const logInKind = signal<Session['log_in'] | undefined>(undefined)

effect(() => {
  const now = session.value
  if (now !== null && now !== undefined) logInKind.value = now.log_in
})
