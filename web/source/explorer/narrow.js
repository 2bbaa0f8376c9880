// Whether the panes lie above each other and not side by side: layout.css has the same bound.
const NARROW = '(max-width: 60rem)';

export function isNarrow() {
  return window.matchMedia(NARROW).matches;
}
