// Beside the editors: the documentation, the examples, and what was run lately.
import { isAboutToken } from '../graphql/transport.js';
import { DocumentationPanel } from './documentation/panel.jsx';
import { ExamplesPanel, HistoryPanel } from './saved_queries.jsx';
import { BOUNDS } from './sizes.js';
import { Splitter } from './splitter.jsx';
import { Tabs } from './tabs.jsx';

export function SidePanel({ side, explorer, width, onWidth, onToken }) {
  const { schemaState, load, history } = explorer;
  const { schema } = schemaState;
  const documentation = () => (
    schema === undefined
      ? <SchemaMissing {...schemaState} onToken={onToken} />
      : <DocumentationPanel schema={schema} side={side} />
  );
  const tabs = [
    { name: 'documentation', title: 'Documentation', content: documentation },
    {
      name: 'examples',
      title: 'Examples',
      content: () => <ExamplesPanel schema={schema} onLoad={load} />,
    },
    {
      name: 'history',
      title: 'History',
      content: () => <HistoryPanel history={history} onLoad={load} />,
    },
  ];
  return (
    <aside class="side" id="side-panel" aria-label="Documentation, examples and history">
      <div class="side-content">
        <Tabs label="Side panel" tabs={tabs} chosen={side.tab} onChoose={side.setTab} />
      </div>
      <Splitter
        label="Width of the side panel"
        axis="x"
        value={width}
        onValue={onWidth}
        {...BOUNDS.side}
      />
    </aside>
  );
}

function SchemaMissing({ errors, onAgain, onToken }) {
  if (errors === undefined) {
    return <p class="quiet-text">The schema is being loaded …</p>;
  }
  return (
    <>
      <h2>The schema could not be loaded</h2>
      {errors.map(({ message }, index) => <p key={index} class="deprecation">{message}</p>)}
      {errors.some(isAboutToken) && (
        <p><button type="button" class="link" onClick={onToken}>Enter a token</button></p>
      )}
      <button type="button" onClick={onAgain}>Try again</button>
    </>
  );
}
