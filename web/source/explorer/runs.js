// Runs operations one at a time: a new one stops the one before.
import { useRef, useState } from 'preact/hooks';

import { post } from '../graphql/transport.js';
import { readVariables } from '../graphql/variables.js';

export function useRuns() {
  const [answer, setAnswer] = useState(undefined);
  const [isRunning, setRunning] = useState(false);
  const current = useRef(null);

  /** Sends an operation. `variables` is the text of the variables. */
  const run = async ({ query, variables: text, operationName }, token) => {
    current.current?.abort();
    const stop = new AbortController();
    current.current = stop;
    const { variables, problem } = readVariables(text);
    if (problem !== undefined) {
      setAnswer({ kind: 'failed', message: problem });
      setRunning(false);
      return;
    }
    setRunning(true);
    const got = await post({ query, variables, operationName }, token, stop.signal);
    if (current.current === stop) {
      setAnswer(got);
      setRunning(false);
    }
  };
  const stop = () => current.current?.abort();
  return { answer, isRunning, run, stop };
}
