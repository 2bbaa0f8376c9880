// The extensions of an editor for GraphQL: completion and validation from a schema, and keys.
import { Prec } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { graphql, showInDocsCommand } from 'cm6-graphql';

import { writable } from './basics.js';
import { tellingProblems } from './problems.js';

/**
 * `onRun`, `onPrettify`: keys; `onDocumentation(field, type, parentType)`: F1 or a click with Ctrl;
 * `onCursor(place)`; `onProblems(problems)`: what the validation found, after each time it ran.
 */
export function queryExtensions({ onRun, onPrettify, onDocumentation, onCursor, onProblems }) {
  const keys = keymap.of([
    { key: 'Mod-Enter', run: () => done(onRun) },
    { key: 'Shift-Alt-f', run: () => done(onPrettify) },
    { key: 'F1', run: showInDocsCommand },
  ]);
  const cursor = EditorView.updateListener.of((update) => {
    if (update.selectionSet || update.docChanged) {
      onCursor(update.state.selection.main.head);
    }
  });
  const options = { onShowInDocs: onDocumentation, onCompletionInfoRender: describe };
  return [
    Prec.highest(keys), writable, graphql(undefined, options), cursor, tellingProblems(onProblems),
  ];
}

function done(act) {
  act();
  return true;
}

// What is shown beside a suggestion. Nothing where the schema says nothing.
function describe(item) {
  const text = item.documentation || item.deprecationReason;
  if (!text) {
    return null;
  }
  const shown = document.createElement('div');
  shown.textContent = item.isDeprecated ? `Deprecated: ${text}` : text;
  return shown;
}
