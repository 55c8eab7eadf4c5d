/** What the search is tested with, on the machine of whoever asks: programs, faults and what gives them away. */
export { type Comparison, compare } from './compare.js';
export { ENGINE_FAULTS, type Symptom, symptomOf } from './engine-faults.js';
export { punchRace } from './punch-race.js';
export type { Kind } from './random-programs.js';
