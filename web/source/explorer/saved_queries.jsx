// The two lists of queries to load: the examples, and what was run lately.
import { titleOf } from '../graphql/operations.js';
import { examplesFor } from './examples.js';

export function ExamplesPanel({ schema, onLoad }) {
  const examples = examplesFor(schema);
  return (
    <>
      <h2>Recommended queries</h2>
      {examples.length === 0 && (
        <p class="quiet-text">
          This server’s schema answers none of the examples: its platform is switched off.
        </p>
      )}
      <ul class="cards">
        {examples.map((example) => (
          <li key={example.title}>
            <button type="button" class="card" onClick={() => onLoad(example)}>
              <strong>{example.title}</strong>
              <span>{example.description}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

export function HistoryPanel({ history, onLoad }) {
  const { entries, onForget, onForgetAll } = history;
  return (
    <>
      <div class="panel-head">
        <h2>Run lately</h2>
        {entries.length > 0 && (
          <button type="button" class="quiet" onClick={onForgetAll}>Forget all</button>
        )}
      </div>
      <p class="quiet-text">
        Kept in this browser, without the token, and without the texts that a mutation was given.
      </p>
      {entries.length === 0 && <p class="quiet-text">Nothing was run yet.</p>}
      <ul class="cards">
        {entries.map((entry) => {
          const title = entry.operationName ?? titleOf(entry.query);
          const variables = entry.variables.replace(/\s+/g, ' ').trim();
          return (
            <li key={`${entry.at} ${entry.query}`} class="card-row">
              <button type="button" class="card" onClick={() => onLoad(entry)}>
                <strong>{title}</strong>
                <span>{when(entry.at)}</span>
                {variables !== '' && <code>{variables}</code>}
              </button>
              <button
                type="button"
                class="quiet icon"
                aria-label={`Forget ${title}`}
                title="Forget"
                onClick={() => onForget(entry)}
              >
                ×
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function when(at) {
  const options = { dateStyle: 'medium', timeStyle: 'short' };
  return new Intl.DateTimeFormat(undefined, options).format(new Date(at));
}
