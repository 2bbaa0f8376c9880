// The query and the variables that are being written. They survive a reload of the tab, but for the
// values that a mutation is given: graphql/secrets.js.
import { useRef, useState } from 'preact/hooks';

import { keepable } from '../graphql/secrets.js';
import { passing } from '../storage/stored.js';
import { EXAMPLES } from './examples.js';

const NAME = 'explorer.draft';

export function useDraft() {
  const [draft, setDraft] = useState(readDraft);
  const latest = useRef(draft);
  // Kept at once: a tab may be reloaded before the page is painted again.
  const change = (part) => {
    latest.current = { ...latest.current, ...part };
    passing.write(NAME, keepable(latest.current));
    setDraft(latest.current);
  };
  return [draft, change];
}

function readDraft() {
  const [first] = EXAMPLES;
  const { query, variables } = passing.read(NAME, first) ?? {};
  const isGood = typeof query === 'string' && typeof variables === 'string';
  return isGood ? { query, variables } : { query: first.query, variables: first.variables };
}
