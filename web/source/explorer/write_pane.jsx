// Where one writes: the query and the variables, each with what the check finds in it.
import { CodeEditor, goTo } from '../editor/code_editor.jsx';
import { variablesExtensions } from '../editor/json.js';
import { queryExtensions } from '../editor/query.js';
import { Problems } from './problems.jsx';
import { BOUNDS } from './sizes.js';
import { Splitter } from './splitter.jsx';
import { Toolbar } from './toolbar.jsx';

export function WritePane({ explorer, variablesHeight, onVariablesHeight }) {
  return (
    <div class="write">
      <QuerySection explorer={explorer} />
      <Splitter
        label="Height of the variables"
        axis="y"
        value={variablesHeight}
        onValue={onVariablesHeight}
        isReversed
        {...BOUNDS.variables}
      />
      <VariablesSection explorer={explorer} />
    </div>
  );
}

function QuerySection({ explorer }) {
  const { draft, change, problems, notice, keys, views } = explorer;
  // A query that nobody has begun to write has no mistakes yet.
  const shown = draft.query.trim() === '' ? [] : problems.query;
  return (
    <section class="query" aria-label="Query">
      <Toolbar explorer={explorer} />
      <div class="editor-frame">
        <CodeEditor
          name="query"
          label="Query, as GraphQL. Tab leaves the editor."
          text={draft.query}
          onText={(query) => change({ query })}
          extensions={queryExtensions({ ...keys, onProblems: keys.onProblems('query') })}
          onView={(view) => {
            views.current.query = view;
          }}
        />
      </div>
      <p class={notice === '' ? 'unseen' : 'notice'} role="status">{notice}</p>
      <Problems of="query" problems={shown} onGo={(from) => goTo(views.current.query, from)} />
    </section>
  );
}

function VariablesSection({ explorer }) {
  const { draft, change, problems, keys, views } = explorer;
  // What one asks of nothing has no variables.
  const shown = draft.query.trim() === '' ? [] : problems.variables;
  return (
    <section class="variables" aria-label="Variables">
      <div class="bar"><h2>Variables</h2></div>
      <div class="editor-frame">
        <CodeEditor
          name="variables"
          label="Variables, as JSON. Tab leaves the editor."
          text={draft.variables}
          onText={(variables) => change({ variables })}
          extensions={variablesExtensions({ ...keys, onProblems: keys.onProblems('variables') })}
          onView={(view) => {
            views.current.variables = view;
          }}
        />
      </div>
      <Problems
        of="variables"
        problems={shown}
        onGo={(from) => goTo(views.current.variables, from)}
      />
    </section>
  );
}
