// What all editors share, whatever they hold. The key Tab is left alone on purpose: it moves the
// focus on, as it does everywhere on the page, so that nobody is caught in an editor.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap }
  from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { gotoLine, highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from '@codemirror/view';

import { look } from './look.js';
import { typingOver } from './typing_over.js';

// As many suggestions as are in sight at once. The arrow keys bring the others, so that nothing is
// behind a scroll bar that only a mouse reaches.
const SUGGESTIONS_MAX = 12;

const reading = [
  lineNumbers(),
  foldGutter({ markerDOM: foldMarker }),
  drawSelection(),
  bracketMatching(),
  highlightSelectionMatches(),
  EditorView.lineWrapping,
  look,
];

// Within a shadow root the dialog for a line forgets, when it is closed, that it had the focus: who
// works by keyboard would begin at the top of the page again.
const searchKeys = searchKeymap.filter(({ run }) => run !== gotoLine);
const reads = [...defaultKeymap, ...searchKeys, ...foldKeymap];

/** For an editor that is written in. */
export const writable = [
  ...reading,
  history(),
  indentOnInput(),
  typingOver,
  closeBrackets(),
  autocompletion({ icons: false, maxRenderedOptions: SUGGESTIONS_MAX }),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  keymap.of([
    ...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...lintKeymap, ...reads,
  ]),
];

/** For an editor that only shows something: the cursor walks, the text stays. */
export const readable = [
  ...reading,
  EditorState.readOnly.of(true),
  EditorView.contentAttributes.of({ 'aria-readonly': 'true' }),
  keymap.of(reads),
];

function foldMarker(isOpen) {
  const marker = document.createElement('span');
  marker.textContent = isOpen ? '▾' : '▸';
  marker.title = isOpen ? 'Fold' : 'Unfold';
  return marker;
}
