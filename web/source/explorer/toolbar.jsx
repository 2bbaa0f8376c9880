// What one can do with the query: run it, choose its operation, lay it out anew.
export function Toolbar({ operations, chosen, onChoose, isRunning, onRun, onStop, onPrettify }) {
  const named = operations.filter(({ name }) => name !== undefined);
  return (
    <div class="bar">
      <h2>Query</h2>
      {named.length > 1 && (
        <label class="operation">
          Operation
          <select value={chosen?.name} onChange={(event) => onChoose(event.currentTarget.value)}>
            {named.map(({ name, kind }) => (
              <option key={name} value={name}>{kind === 'query' ? name : `${name} (${kind})`}</option>
            ))}
          </select>
        </label>
      )}
      <span class="push" />
      <button type="button" class="quiet" onClick={onPrettify}>Prettify</button>
      {isRunning
        ? <button type="button" class="main" onClick={onStop}>Stop</button>
        : <button type="button" class="main" onClick={onRun}>Run</button>}
    </div>
  );
}

/** What the validation found, in words, each a way to its place in the query. */
export function Problems({ problems, onGo }) {
  const summary = { 0: '', 1: '1 problem' }[problems.length] ?? `${problems.length} problems`;
  return (
    <div class={problems.length > 0 ? 'problems' : 'unseen'}>
      <p class="unseen" role="status">{summary}</p>
      <ul aria-label="Problems of the query">
        {problems.map(({ from, line, message, severity }, index) => (
          <li key={index} class={severity}>
            <button type="button" class="link" onClick={() => onGo(from)}>
              Line {line}
            </button>
            <span>{message}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
