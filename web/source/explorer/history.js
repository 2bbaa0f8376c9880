// What was run lately, kept in this browser. Never the token.
import { lasting } from '../storage/stored.js';

const NAME = 'explorer.history';
const ENTRIES_MAX = 50;
const ENTRY_LENGTH_MAX = 50_000;

/** The entries, the latest first: `{ query, variables, operationName, at }`. */
export function readHistory() {
  const entries = lasting.read(NAME, []);
  return Array.isArray(entries) ? entries.filter(isEntry) : [];
}

/** The entries with one more at the front, kept. The same query and variables stand there once. */
export function remember(entries, { query, variables, operationName }, at) {
  if (query.length + variables.length > ENTRY_LENGTH_MAX) {
    return entries;
  }
  const entry = { query, variables, operationName, at };
  return keep([entry, ...entries.filter((other) => !isSame(other, entry))]);
}

/** The entries without one of them, kept. */
export function forget(entries, entry) {
  return keep(entries.filter((other) => other !== entry));
}

/** Forgets all. */
export function forgetAll() {
  return keep([]);
}

function keep(entries) {
  const kept = entries.slice(0, ENTRIES_MAX);
  lasting.write(NAME, kept);
  return kept;
}

function isSame(left, right) {
  return ['query', 'variables', 'operationName'].every((name) => left[name] === right[name]);
}

function isEntry(value) {
  return typeof value?.query === 'string' && typeof value?.variables === 'string';
}
