// How wide and high the panes are, as somebody set them last: the result in parts of a hundred, so
// that it keeps its share of a window that changes, the others in pixels.
import { useEffect, useState } from 'preact/hooks';

import { lasting } from '../storage/stored.js';

const NAME = 'explorer.sizes';

/** The least and the most of each pane. */
export const BOUNDS = {
  side: { min: 220, max: 640, unit: 'pixels' },
  result: { min: 20, max: 80, unit: 'percent' },
  variables: { min: 90, max: 600, unit: 'pixels' },
};

const FIRST = { side: 320, result: 48, variables: 170 };

export function useSizes() {
  const [sizes, setSizes] = useState(() => withinBounds(lasting.read(NAME, FIRST)));
  useEffect(() => lasting.write(NAME, sizes), [sizes]);
  const set = (name) => (value) => setSizes((present) => ({ ...present, [name]: value }));
  return [sizes, set];
}

function withinBounds(sizes) {
  const names = Object.keys(FIRST);
  const isGood = (name) => sizes?.[name] >= BOUNDS[name].min && sizes[name] <= BOUNDS[name].max;
  return Object.fromEntries(names.map((name) => [name, isGood(name) ? sizes[name] : FIRST[name]]));
}
