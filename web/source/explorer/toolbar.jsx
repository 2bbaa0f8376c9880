// What one can do with the query: run it, choose its operation, lay it out anew.
export function Toolbar({ explorer }) {
  const { operations, chosen, choose, runs, run, prettify } = explorer;
  const named = operations.filter(({ name }) => name !== undefined);
  return (
    <div class="bar">
      <h2>Query</h2>
      {named.length > 1 && (
        <label class="operation">
          Operation
          <select value={chosen?.name} onChange={(event) => choose(event.currentTarget.value)}>
            {named.map((operation) => (
              <option key={operation.name} value={operation.name}>{titleOf(operation)}</option>
            ))}
          </select>
        </label>
      )}
      <span class="push" />
      <button type="button" class="quiet" onClick={prettify}>Prettify</button>
      {runs.isRunning
        ? <button type="button" class="main" onClick={runs.stop}>Stop</button>
        : <button type="button" class="main" onClick={run}>Run</button>}
    </div>
  );
}

function titleOf({ name, kind }) {
  return kind === 'query' ? name : `${name} (${kind})`;
}
