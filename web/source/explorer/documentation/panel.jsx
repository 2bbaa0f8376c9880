// The documentation of the schema, to browse and to search. `places` is the way that somebody took:
// the last is shown, the one before it is where "Back" leads.
import { useEffect, useRef, useState } from 'preact/hooks';

import { FieldPage, SchemaPage, TypePage } from './pages.jsx';
import { SCHEMA, fieldsOf, isThere, titleOfPlace } from './places.js';
import { search } from './search.js';

export function DocumentationPanel({ schema, places, onPlaces }) {
  const [word, setWord] = useState('');
  const heading = useRef(null);
  const walked = places.filter((place) => isThere(schema, place));
  const place = walked.at(-1) ?? SCHEMA;
  const before = walked.at(-2);
  const title = titleOfPlace(place);

  // Who goes somewhere hears where they are. Nobody went anywhere when the panel just opened.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current && word === '') {
      heading.current.focus();
      heading.current.closest('.tab-panel').scrollTop = 0;
    }
    isFirst.current = false;
  }, [title]);

  const go = (next) => {
    setWord('');
    onPlaces([...walked, next]);
  };
  return (
    <>
      <Search word={word} onWord={setWord} schema={schema} onGo={go} />
      <div hidden={word.trim() !== ''}>
        {before !== undefined && (
          <button type="button" class="link back" onClick={() => onPlaces(walked.slice(0, -1))}>
            ‹ {titleOfPlace(before)}
          </button>
        )}
        <h2 ref={heading} tabIndex={-1} class="documentation-title">{title}</h2>
        <Page schema={schema} place={place} onGo={go} />
      </div>
    </>
  );
}

function Page({ schema, place, onGo }) {
  if (place.kind === 'schema') {
    return <SchemaPage schema={schema} onGo={onGo} />;
  }
  const type = schema.getType(place.type);
  if (place.kind === 'type') {
    return <TypePage schema={schema} type={type} onGo={onGo} />;
  }
  return <FieldPage type={type} field={fieldsOf(type)[place.field]} onGo={onGo} />;
}

function Search({ word, onWord, schema, onGo }) {
  const found = search(schema, word);
  const isSearching = word.trim() !== '';
  return (
    <search>
      <label class="unseen" for="search">Search types and fields</label>
      <input
        id="search"
        type="search"
        placeholder="Search types and fields"
        value={word}
        onInput={(event) => onWord(event.currentTarget.value)}
      />
      <p class={isSearching ? 'quiet-text' : 'unseen'} role="status">
        {isSearching ? `${found.length || 'No'} ${found.length === 1 ? 'match' : 'matches'}` : ''}
      </p>
      {isSearching && (
        <ul class="entries compact">
          {found.map(({ title, place }) => (
            <li key={title}>
              <button type="button" class="link" onClick={() => onGo(place)}>{title}</button>
            </li>
          ))}
        </ul>
      )}
    </search>
  );
}
