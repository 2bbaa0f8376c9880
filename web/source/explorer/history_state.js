// The history as a part of the page.
import { useEffect, useRef, useState } from 'preact/hooks';

import { forget, forgetAll, onChangeElsewhere, readHistory, remember } from './history.js';

export function useHistory() {
  const [entries, setEntries] = useState(readHistory);
  // What this page ran, whole, by its time: what is kept lacks the values of mutations. It goes when
  // its entry goes, here or in another tab.
  const whole = useRef(new Map());
  const show = () => {
    const kept = readHistory();
    const times = new Set(kept.map(({ at }) => at));
    for (const at of whole.current.keys()) {
      if (!times.has(at)) {
        whole.current.delete(at);
      }
    }
    setEntries(kept);
  };
  useEffect(() => onChangeElsewhere(show), []);
  const change = (act) => (...given) => {
    act(...given);
    show();
  };
  return {
    entries,
    remember: change((asked) => {
      const entry = { ...asked, at: Date.now() };
      whole.current.set(entry.at, entry);
      remember(entry);
    }),
    wholeOf: (entry) => whole.current.get(entry.at) ?? entry,
    onForget: change(forget),
    onForgetAll: change(forgetAll),
  };
}
