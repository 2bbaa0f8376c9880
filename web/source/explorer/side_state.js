// What the side panel shows.
import { useState } from 'preact/hooks';

import { placeFromEditor } from './documentation/places.js';
import { isNarrow } from './narrow.js';

export function useSide() {
  const [isShown, setShown] = useState(() => !isNarrow());
  const [tab, setTab] = useState('documentation');
  const [places, setPlaces] = useState([]);
  const [word, setWord] = useState('');
  // Whether somebody just went to a place, and so wants to be there, or the panel merely opened.
  const [isGoing, setGoing] = useState(false);

  const go = (next) => {
    setPlaces(next);
    setWord('');
    setGoing(true);
  };
  const showFromEditor = (schema, ...at) => {
    const place = placeFromEditor(schema, ...at);
    setShown(true);
    setTab('documentation');
    if (place !== undefined) {
      go([...places, place]);
    }
  };
  const onArrival = () => setGoing(false);
  return {
    isShown, setShown, tab, setTab, places, word, setWord, go, isGoing, onArrival, showFromEditor,
  };
}
