// The answer: how it went in a line, its errors in words, and all of it as JSON.
import { useEffect, useRef, useState } from 'preact/hooks';

import { CodeEditor, replaceText } from '../editor/code_editor.jsx';
import { resultExtensions } from '../editor/json.js';
import { errorsOf, isAboutToken } from '../graphql/transport.js';
import { inline } from './documentation/words.jsx';

export function Result({ answer, isRunning, onPlace, onToken }) {
  const errors = answer === undefined ? [] : errorsOf(answer);
  return (
    <section class="result" aria-label="Result">
      <div class="bar">
        <h2>Result</h2>
        <p class="status" role="status">{isRunning ? 'Running …' : summaryOf(answer, errors)}</p>
        {answer?.kind === 'answered' && <CopyButton text={shownText(answer)} />}
      </div>
      {errors.length > 0 && (
        <ul class="errors" aria-label="Errors of the result">
          {errors.map((error, index) => (
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
        </ul>
      )}
      <div class="editor-frame">
        {answer === undefined ? (
          <p class="nothing">Run a query, and its answer is shown here.</p>
        ) : (
          <Json text={shownText(answer)} />
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

function CopyButton({ text }) {
  const [copied, setCopied] = useState(undefined);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(text);
    } catch {
      // Without https the browser lends no clipboard; the result can be selected by hand.
      setCopied(undefined);
    }
  };
  return (
    <button type="button" class="quiet" onClick={copy}>
      <span role="status">{copied === text ? 'Copied' : 'Copy'}</span>
    </button>
  );
}

function shownText(answer) {
  if (answer.kind === 'failed') {
    return '';
  }
  return answer.value === undefined ? answer.text : JSON.stringify(answer.value, null, 2);
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
