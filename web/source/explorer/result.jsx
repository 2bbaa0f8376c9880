// The answer: how it went in a line, its errors in words, and all of it as JSON.
import { useEffect, useRef } from 'preact/hooks';

import { CodeEditor, replaceText } from '../editor/code_editor.jsx';
import { resultExtensions } from '../editor/json.js';
import { errorsOf, isAboutToken } from '../graphql/transport.js';
import { CopyButton } from './copy_button.jsx';
import { inline } from './documentation/words.jsx';
import { isNarrow } from './narrow.js';

// An editor with more, in one line above all, stands still for seconds.
const SHOWN_LENGTH_MAX = 1_000_000;
const ERRORS_SHOWN_MAX = 20;

export function Result({ answer, isRunning, onPlace, onToken }) {
  const errors = answer === undefined ? [] : errorsOf(answer);
  const more = errors.length - ERRORS_SHOWN_MAX;
  const shown = answer?.shown ?? '';
  const section = useRef(null);
  // Where the panes lie above each other, the answer comes outside the window.
  useEffect(() => {
    if (answer !== undefined && isNarrow()) {
      section.current.scrollIntoView();
    }
  }, [answer]);
  return (
    <section class="result" aria-label="Result" ref={section}>
      <div class="bar">
        <h2>Result</h2>
        <p class="status" role="status">{isRunning ? 'Running …' : summaryOf(answer, errors)}</p>
        {answer?.kind === 'answered' && <CopyButton text={shown} />}
      </div>
      {errors.length > 0 && (
        <ul class="errors" aria-label="Errors of the result">
          {errors.slice(0, ERRORS_SHOWN_MAX).map((error, index) => (
            <li key={index}>
              <p>{inline(error.message)}</p>
              <p class="error-details">
                {error.code !== undefined && <code>{error.code}</code>}
                {error.path !== undefined && <span>at {error.path}</span>}
                {error.place !== undefined && (
                  <button type="button" class="link" onClick={() => onPlace(error.place)}>
                    line {error.place.line}, column {error.place.column}
                  </button>
                )}
                {isAboutToken(error) && (
                  <button type="button" class="link" onClick={onToken}>Enter a token</button>
                )}
              </p>
            </li>
          ))}
          {more > 0 && <li><p>{count(more, 'more error')}: the whole answer is below.</p></li>}
        </ul>
      )}
      {shown.length > SHOWN_LENGTH_MAX && (
        <p class="cut">
          The first {count(SHOWN_LENGTH_MAX, 'character')} of {count(shown.length, 'character')}:
          Copy takes all of them.
        </p>
      )}
      <div class="editor-frame">
        {answer === undefined ? (
          <p class="nothing">Run a query, and its answer is shown here.</p>
        ) : (
          <Json text={shown.slice(0, SHOWN_LENGTH_MAX)} />
        )}
      </div>
    </section>
  );
}

function Json({ text }) {
  const view = useRef(null);
  useEffect(() => replaceText(view.current, text), [text]);
  return (
    <CodeEditor
      name="result"
      label="Result, as JSON. Read only. Tab leaves it."
      text={text}
      extensions={resultExtensions}
      onView={(made) => {
        view.current = made;
      }}
    />
  );
}

function summaryOf(answer, errors) {
  if (answer === undefined) {
    return '';
  }
  if (answer.kind === 'failed') {
    return 'No answer';
  }
  const found = errors.length === 0 ? '' : `${count(errors.length, 'error')} · `;
  const size = count(new Blob([answer.text]).size, 'byte');
  return `${found}Status ${answer.status} · ${answer.durationMs} ms · ${size}`;
}

function count(number, word) {
  return `${number.toLocaleString('en-GB')} ${word}${number === 1 ? '' : 's'}`;
}
