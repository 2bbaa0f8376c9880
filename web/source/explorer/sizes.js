// How wide and high the panes are, in pixels, as somebody set them last.
import { useEffect, useState } from 'preact/hooks';

import { lasting } from '../storage/stored.js';

const NAME = 'explorer.sizes';

/** The least and the most of each pane. */
export const BOUNDS = {
  side: { min: 220, max: 640 },
  result: { min: 260, max: 1400 },
  variables: { min: 90, max: 600 },
};

export function useSizes() {
  const [sizes, setSizes] = useState(() => ({ ...firstSizes(), ...lasting.read(NAME, {}) }));
  useEffect(() => lasting.write(NAME, sizes), [sizes]);
  const set = (name) => (value) => setSizes((present) => ({ ...present, [name]: value }));
  return [sizes, set];
}

function firstSizes() {
  const rest = window.innerWidth - 320;
  return { side: 320, result: Math.max(320, Math.round(rest * 0.48)), variables: 170 };
}
