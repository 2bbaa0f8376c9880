// The history as a part of the page.
import { useState } from 'preact/hooks';

import { forget, forgetAll, readHistory, remember } from './history.js';

export function useHistory() {
  const [entries, setEntries] = useState(readHistory);
  return {
    entries,
    remember: (asked) => setEntries(remember(entries, asked, Date.now())),
    onForget: (entry) => setEntries(forget(entries, entry)),
    onForgetAll: () => setEntries(forgetAll()),
  };
}
