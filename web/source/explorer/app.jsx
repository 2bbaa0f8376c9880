// The Explorer, whole: what it knows, and the panes that show it.
//
//   header    token, theme
//   side      documentation, examples, history
//   write     query, its problems, variables
//   result    how it went, errors, JSON
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { updateSchema } from 'cm6-graphql';

import { goTo, placeOf } from '../editor/code_editor.jsx';
import { meanOperation } from '../editor/json.js';
import { chosenOperation, nameAt, operationsOf } from '../graphql/operations.js';
import { prettified } from '../graphql/prettify.js';
import { passing } from '../storage/stored.js';
import { placeFromEditor } from './documentation/places.js';
import { useDraft } from './draft.js';
import { Header } from './header.jsx';
import { forget, forgetAll, readHistory, remember } from './history.js';
import { KeysHelp } from './keys_help.jsx';
import { Result } from './result.jsx';
import { useRuns } from './runs.js';
import { useSchema } from './schema_state.js';
import { SidePanel } from './side_panel.jsx';
import { BOUNDS, useSizes } from './sizes.js';
import { Splitter } from './splitter.jsx';
import { WritePane } from './write_pane.jsx';

const TOKEN = 'explorer.token';
const NARROW = '(max-width: 60rem)';

export function App() {
  const [token, setToken] = useState(() => passing.read(TOKEN, ''));
  const [draft, change] = useDraft();
  const [problems, setProblems] = useState([]);
  const [meantName, setMeantName] = useState(undefined);
  const [entries, setEntries] = useState(readHistory);
  const [tab, setTab] = useState('documentation');
  const [places, setPlaces] = useState([]);
  const [isSideShown, setSideShown] = useState(() => !window.matchMedia(NARROW).matches);
  const [sizes, setSize] = useSizes();
  const [notice, setNotice] = useState('');
  const runs = useRuns();
  const schemaState = useSchema(token);
  const { schema } = schemaState;
  const views = useRef({});
  const tokenField = useRef(null);

  const operations = useMemo(() => operationsOf(draft.query), [draft.query]);
  const chosen = chosenOperation(operations, meantName);

  useEffect(() => passing.write(TOKEN, token), [token]);
  useEffect(() => updateSchema(views.current.query, schema), [schema]);
  useEffect(() => meanOperation(views.current.variables, schema, chosen), [schema, chosen]);

  const run = () => {
    const asked = { ...draft, operationName: chosen?.name };
    setEntries(remember(entries, asked, Date.now()));
    runs.run(asked, token);
  };
  const prettify = () => {
    try {
      change({ query: prettified(draft.query) });
      setNotice('');
    } catch (error) {
      setNotice(`Not laid out anew: ${error.message}`);
    }
  };
  const showInDocumentation = (...at) => {
    const place = schema && placeFromEditor(schema, ...at);
    setSideShown(true);
    setTab('documentation');
    if (place !== undefined) {
      setPlaces((before) => [...before, place]);
    }
  };
  const load = ({ query, variables }) => {
    change({ query, variables });
    views.current.query.focus();
  };

  // The editors keep what they were first given, so they call through this.
  const latest = useRef({});
  latest.current = { run, prettify, showInDocumentation, operations };
  const keys = useMemo(() => ({
    onRun: () => latest.current.run(),
    onPrettify: () => latest.current.prettify(),
    onDocumentation: (...at) => latest.current.showInDocumentation(...at),
    onCursor: (place) => setMeantName((name) => nameAt(latest.current.operations, place) ?? name),
    onProblems: setProblems,
  }), []);

  const style = {
    '--side': `${sizes.side}px`,
    '--result': `${sizes.result}px`,
    '--variables': `${sizes.variables}px`,
  };
  const history = {
    entries,
    onForget: (entry) => setEntries(forget(entries, entry)),
    onForgetAll: () => setEntries(forgetAll()),
  };
  const place = (at) => goTo(views.current.query, placeOf(views.current.query, at));
  return (
    <div class="app" style={style} data-side={isSideShown ? 'shown' : 'hidden'}>
      <Header
        token={token}
        onToken={setToken}
        field={tokenField}
        schemaState={schemaState}
        isSideShown={isSideShown}
        onSide={setSideShown}
      />
      {isSideShown && (
        <>
          <SidePanel
            tab={tab}
            onTab={setTab}
            schemaState={schemaState}
            places={places}
            onPlaces={setPlaces}
            onLoad={load}
            history={history}
          />
          <Splitter
            label="Width of the side panel"
            axis="x"
            value={sizes.side}
            onValue={setSize('side')}
            {...BOUNDS.side}
          />
        </>
      )}
      <main id="main">
        <WritePane
          draft={draft}
          onChange={change}
          operations={operations}
          chosen={chosen}
          onChoose={setMeantName}
          problems={problems}
          notice={notice}
          keys={keys}
          views={views}
          runs={runs}
          onRun={run}
          onPrettify={prettify}
          variablesHeight={sizes.variables}
          onVariablesHeight={setSize('variables')}
        />
        <Splitter
          label="Width of the result"
          axis="x"
          value={sizes.result}
          onValue={setSize('result')}
          isReversed
          {...BOUNDS.result}
        />
        <Result
          answer={runs.answer}
          isRunning={runs.isRunning}
          onPlace={place}
          onToken={() => tokenField.current.focus()}
        />
      </main>
      <KeysHelp />
    </div>
  );
}
