// Where one writes: the query with what the validation finds in it, and the variables.
import { CodeEditor, goTo } from '../editor/code_editor.jsx';
import { variablesExtensions } from '../editor/json.js';
import { queryExtensions } from '../editor/query.js';
import { BOUNDS } from './sizes.js';
import { Splitter } from './splitter.jsx';
import { Problems, Toolbar } from './toolbar.jsx';

export function WritePane(props) {
  const { draft, onChange, problems, notice, keys, views, runs } = props;
  const keep = (name) => (view) => {
    views.current[name] = view;
  };
  // A query that nobody has begun to write has no mistakes yet.
  const shown = draft.query.trim() === '' ? [] : problems;
  return (
    <div class="write">
      <section class="query" aria-label="Query">
        <Toolbar
          operations={props.operations}
          chosen={props.chosen}
          onChoose={props.onChoose}
          isRunning={runs.isRunning}
          onRun={props.onRun}
          onStop={runs.stop}
          onPrettify={props.onPrettify}
        />
        <div class="editor-frame">
          <CodeEditor
            name="query"
            label="Query, as GraphQL. Tab leaves the editor."
            text={draft.query}
            onText={(query) => onChange({ query })}
            extensions={queryExtensions(keys)}
            onView={keep('query')}
          />
        </div>
        <p class={notice === '' ? 'unseen' : 'notice'} role="status">{notice}</p>
        <Problems problems={shown} onGo={(from) => goTo(views.current.query, from)} />
      </section>
      <Splitter
        label="Height of the variables"
        axis="y"
        value={props.variablesHeight}
        onValue={props.onVariablesHeight}
        isReversed
        {...BOUNDS.variables}
      />
      <section class="variables" aria-label="Variables">
        <div class="bar"><h2>Variables</h2></div>
        <div class="editor-frame">
          <CodeEditor
            name="variables"
            label="Variables, as JSON. Tab leaves the editor."
            text={draft.variables}
            onText={(variables) => onChange({ variables })}
            extensions={variablesExtensions(keys)}
            onView={keep('variables')}
          />
        </div>
      </section>
    </div>
  );
}
