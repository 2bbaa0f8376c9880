// The query and the variables that are being written. They survive a reload of the tab.
import { useEffect, useState } from 'preact/hooks';

import { passing } from '../storage/stored.js';
import { EXAMPLES } from './examples.js';

const NAME = 'explorer.draft';

export function useDraft() {
  const [draft, setDraft] = useState(() => passing.read(NAME, firstDraft()));
  useEffect(() => passing.write(NAME, draft), [draft]);
  const change = (part) => setDraft((present) => ({ ...present, ...part }));
  return [draft, change];
}

function firstDraft() {
  const [{ query, variables }] = EXAMPLES;
  return { query, variables };
}
