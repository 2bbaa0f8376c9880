// The documentation of the schema, to browse and to search. The places are the way that somebody
// took: the last is shown, the one before it is where "Back" leads.
import { useEffect, useRef } from 'preact/hooks';

import { FieldPage, SchemaPage, TypePage } from './pages.jsx';
import { SCHEMA, fieldsOf, isThere, titleOfPlace } from './places.js';
import { search } from './search.js';

export function DocumentationPanel({ schema, side }) {
  const { places, word, setWord, isGoing, onArrival } = side;
  const heading = useRef(null);
  const walked = places.filter((place) => isThere(schema, place));
  const place = walked.at(-1) ?? SCHEMA;
  const before = walked.at(-2);
  const title = titleOfPlace(place);

  // Who goes somewhere hears where they are.
  useEffect(() => {
    if (isGoing) {
      heading.current.closest('.tab-panel').scrollTop = 0;
      heading.current.focus();
      onArrival();
    }
  }, [isGoing]);

  const go = (next) => side.go([...walked, next]);
  const goBack = () => side.go(walked.slice(0, -1));
  return (
    <>
      <Search word={word} onWord={setWord} schema={schema} onGo={go} />
      <div hidden={word.trim() !== ''}>
        {before !== undefined && (
          <button type="button" class="link back" onClick={goBack}>
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
  const { found, total } = search(schema, word);
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
        {isSearching ? countOf(found, total) : ''}
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

function countOf(found, total) {
  if (found.length < total) {
    return `The first ${found.length} of ${total} matches`;
  }
  return `${total === 0 ? 'No' : total} ${total === 1 ? 'match' : 'matches'}`;
}
