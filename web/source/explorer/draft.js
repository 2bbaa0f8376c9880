// The query and the variables that are being written. They survive a reload of the tab.
import { useRef, useState } from 'preact/hooks';

import { passing } from '../storage/stored.js';
import { EXAMPLES } from './examples.js';

const NAME = 'explorer.draft';

export function useDraft() {
  const [draft, setDraft] = useState(() => passing.read(NAME, firstDraft()));
  const latest = useRef(draft);
  // Kept at once: a tab may be reloaded before the page is painted again.
  const change = (part) => {
    latest.current = { ...latest.current, ...part };
    passing.write(NAME, latest.current);
    setDraft(latest.current);
  };
  return [draft, change];
}

function firstDraft() {
  const [{ query, variables }] = EXAMPLES;
  return { query, variables };
}
