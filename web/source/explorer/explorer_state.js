// What the Explorer knows, and what one can do with it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { updateSchema } from 'cm6-graphql';

import { goTo, placeOf, replaceText } from '../editor/code_editor.jsx';
import { meanOperation } from '../editor/json.js';
import { chosenOperation, nameAt, operationsOf } from '../graphql/operations.js';
import { prettified } from '../graphql/prettify.js';
import { useDraft } from './draft.js';
import { useHistory } from './history_state.js';
import { useRuns } from './runs.js';
import { useSchema } from './schema_state.js';

/**
 * `views` are the editors by name, once they are there. `onDocumentation(schema, field, type,
 * parentType)` is asked to show what stands at the cursor.
 */
export function useExplorer(onDocumentation) {
  // In the memory of this page alone: whatever a browser keeps, it writes to a disk.
  const [token, setToken] = useState('');
  const [draft, change] = useDraft();
  const [meantName, setMeantName] = useState(undefined);
  const [problems, setProblems] = useState({ query: [], variables: [] });
  const [notice, setNotice] = useState('');
  const history = useHistory();
  const runs = useRuns();
  const schemaState = useSchema(token);
  const { schema } = schemaState;
  const views = useRef({});

  const operations = useMemo(() => operationsOf(draft.query), [draft.query]);
  const chosen = chosenOperation(operations, meantName);

  useEffect(() => updateSchema(views.current.query, schema), [schema]);
  useEffect(() => meanOperation(views.current.variables, schema, chosen), [schema, chosen]);

  const run = () => {
    const asked = { ...draft, operationName: chosen?.name };
    history.remember(asked);
    runs.run(asked, token);
  };
  const prettify = () => {
    try {
      replaceText(views.current.query, prettified(draft.query));
      setNotice('');
    } catch (error) {
      setNotice(`Not laid out anew: ${error.message}`);
    }
  };
  const load = (saved) => {
    const { query, variables } = history.wholeOf(saved);
    // Both at once: the variables of one operation never stand beside another.
    change({ query, variables });
    replaceText(views.current.query, query);
    replaceText(views.current.variables, variables);
    setNotice('');
    goTo(views.current.query, 0);
  };
  const goToPlace = (place) => goTo(views.current.query, placeOf(views.current.query, place));

  // The editors keep what they were first given, so they call through this.
  const latest = useRef({});
  latest.current = {
    run,
    prettify,
    operations,
    onDocumentation: (...at) => schema !== undefined && onDocumentation(schema, ...at),
  };
  const keys = useMemo(() => ({
    onRun: () => latest.current.run(),
    onPrettify: () => latest.current.prettify(),
    onDocumentation: (...at) => latest.current.onDocumentation(...at),
    onCursor: (place) => setMeantName((name) => nameAt(latest.current.operations, place) ?? name),
    onProblems: (name) => (found) => setProblems((before) => ({ ...before, [name]: found })),
  }), []);

  return {
    token, setToken, draft, change, problems, notice, history, runs, schemaState, views,
    operations, chosen, choose: setMeantName, run, prettify, load, goToPlace, keys,
  };
}
