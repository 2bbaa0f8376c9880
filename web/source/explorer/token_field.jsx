// The field for the token. It stays in the memory of this page: not in the history, not on a disk,
// and gone when the page is loaded again.
import { useState } from 'preact/hooks';

export function TokenField({ token, onToken, field }) {
  const [isShown, setShown] = useState(false);
  return (
    <div class="token">
      <label for="token">Token</label>
      <input
        id="token"
        ref={field}
        type={isShown ? 'text' : 'password'}
        value={token}
        onInput={(event) => onToken(tokenIn(event.currentTarget.value))}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        placeholder="none"
        aria-describedby="token-kept"
      />
      <button
        type="button"
        class="quiet"
        aria-pressed={isShown}
        onClick={() => setShown(!isShown)}
      >
        Show<span class="unseen"> the token</span>
      </button>
      <span id="token-kept" class="unseen">
        Sent as Authorization: Bearer to this server only. Kept until this page is left or loaded
        again.
      </span>
    </div>
  );
}

// Somebody may have copied the whole header, or a line with spaces around it.
function tokenIn(text) {
  return text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '');
}
