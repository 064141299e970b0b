/** How much longer than usual a run is to be, by FAULT_ROUNDS: 1 unless that says otherwise. */
export const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 1)
