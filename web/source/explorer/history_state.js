// The history as a part of the page.
import { useEffect, useRef, useState } from 'preact/hooks';

import { forget, forgetAll, onChangeElsewhere, readHistory, remember } from './history.js';

export function useHistory() {
  const [entries, setEntries] = useState(readHistory);
  // What this page ran, whole, by its time: what is kept lacks the values of mutations.
  const whole = useRef(new Map());
  const show = () => setEntries(readHistory());
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
    onForget: change((entry) => {
      whole.current.delete(entry.at);
      forget(entry);
    }),
    onForgetAll: change(() => {
      whole.current.clear();
      forgetAll();
    }),
  };
}
