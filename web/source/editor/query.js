// The extensions of an editor for GraphQL: completion and validation from a schema, and keys.
import { completionStatus } from '@codemirror/autocomplete';
import { forEachDiagnostic } from '@codemirror/lint';
import { Prec } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { graphql, showInDocsCommand } from 'cm6-graphql';

import { writable } from './basics.js';

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
  return [
    Prec.highest(keys),
    writable,
    graphql(undefined, { onShowInDocs: onDocumentation, onCompletionInfoRender: describe }),
    EditorView.updateListener.of((update) => {
      if (update.selectionSet || update.docChanged) {
        onCursor(update.state.selection.main.head);
      }
      const isFromLint = update.transactions.some((transaction) => transaction.effects.length > 0);
      if (isFromLint && completionStatus(update.state) !== 'pending') {
        onProblems(problemsOf(update.state));
      }
    }),
  ];
}

/** What the validation found: `{ from, severity, message, line }`. */
export function problemsOf(state) {
  const problems = [];
  forEachDiagnostic(state, ({ severity, message }, from) => {
    problems.push({ from, severity, message, line: state.doc.lineAt(from).number });
  });
  return problems;
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
