import { ThemeChoice } from './theme_choice.jsx';
import { TokenField } from './token_field.jsx';

export function Header({ explorer, side, tokenField }) {
  const { token, setToken, schemaState } = explorer;
  return (
    <header>
      <a class="skip" href="#main">Skip to the query</a>
      <h1>
        <Mark />
        <span>Tidings</span> <span class="product">Explorer</span>
      </h1>
      <button
        type="button"
        class="quiet"
        aria-expanded={side.isShown}
        aria-controls={side.isShown ? 'side-panel' : undefined}
        onClick={() => side.setShown(!side.isShown)}
      >
        {side.isShown ? 'Hide panel' : 'Show panel'}
      </button>
      <p class="schema-state" role="status">{stateOf(schemaState)}</p>
      <TokenField token={token} onToken={setToken} field={tokenField} />
      <ThemeChoice />
    </header>
  );
}

function stateOf({ schema, errors }) {
  if (errors !== undefined) {
    const what = schema === undefined ? 'No schema' : 'Still the schema of before';
    return `${what}: ${errors[0].message}`;
  }
  return schema === undefined ? 'Loading the schema …' : '';
}

// A letter on its way: an envelope, open to the right.
function Mark() {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" fill="none"
      stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
      <path d="M3 6.5 12 13l9-6.5" />
      <path d="M21 11v6.5H3v-11h18" />
    </svg>
  );
}
