/** What a check found, in words, each a way to its place. `of` says where: "query". */
export function Problems({ of, problems, onGo }) {
  const summary = { 0: '', 1: '1 problem' }[problems.length] ?? `${problems.length} problems`;
  return (
    <div class={problems.length > 0 ? 'problems' : 'unseen'}>
      <p class="unseen" role="status">{summary && `${summary} in the ${of}`}</p>
      {problems.length > 0 && (
        <ul aria-label={`Problems of the ${of}`}>
          {problems.map(({ from, line, message, severity }, index) => (
            <li key={index} class={severity}>
              <button type="button" class="link" onClick={() => onGo(from)}>Line {line}</button>
              <span>{message}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
