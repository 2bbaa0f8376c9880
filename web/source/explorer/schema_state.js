// The schema as the server shows it to the present token.
import { useEffect, useState } from 'preact/hooks';

import { loadSchema } from '../graphql/schema.js';

// Somebody types a token, or pastes it; the schema is asked for when they seem to be done.
const TOKEN_SETTLES_MS = 400;

/** Gives `{ schema, errors, onAgain }`; both are undefined while it loads for the first time. */
export function useSchema(token) {
  const [loaded, setLoaded] = useState({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const load = async () => {
      const result = await loadSchema(token, stop.signal);
      if (!stop.signal.aborted) {
        // A token that opens nothing leaves the schema that was there before.
        setLoaded((before) => ({ schema: before.schema, ...result }));
      }
    };
    const isFirst = round === 0 && loaded.schema === undefined;
    const timer = setTimeout(load, isFirst ? 0 : TOKEN_SETTLES_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [token, round]);
  return { ...loaded, onAgain: () => setRound(round + 1) };
}
