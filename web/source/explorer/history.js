// What was run lately, kept in this browser. Never the token, and of a mutation never the values that
// it was given: graphql/secrets.js.
//
// Other tabs keep theirs in the same place, so each change begins with what is there now: nothing
// that another tab has run is lost, and nothing that it forgot comes back.
import { keepable } from '../graphql/secrets.js';
import { lasting } from '../storage/stored.js';

const NAME = 'explorer.history';
const ENTRIES_MAX = 50;
const ENTRY_LENGTH_MAX = 50_000;

/** The entries, the latest first: `{ query, variables, operationName, at }`. */
export function readHistory() {
  const entries = lasting.read(NAME, []);
  return Array.isArray(entries) ? entries.filter(isEntry) : [];
}

/** Keeps one more entry at the front. The same query and variables stand there once. */
export function remember({ operationName, at, ...asked }) {
  const { query, variables } = keepable(asked);
  if (query.length + variables.length > ENTRY_LENGTH_MAX) {
    return;
  }
  const entry = { query, variables, operationName, at };
  keep([entry, ...readHistory().filter((other) => !isSame(other, entry))]);
}

/** Keeps the entries without the one of that time. */
export function forget({ at }) {
  keep(readHistory().filter((other) => other.at !== at));
}

/** Forgets all. */
export function forgetAll() {
  keep([]);
}

/** Calls `changed` when another tab changed the history. Gives a function that ends that. */
export function onChangeElsewhere(changed) {
  return lasting.onChangeElsewhere(NAME, changed);
}

function keep(entries) {
  lasting.write(NAME, entries.slice(0, ENTRIES_MAX));
}

function isSame(left, right) {
  return ['query', 'variables', 'operationName'].every((name) => left[name] === right[name]);
}

function isEntry(value) {
  return typeof value?.query === 'string' && typeof value?.variables === 'string';
}
