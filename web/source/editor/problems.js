// What a linter found in an editor, told to whoever lists it beside the editor.
import { diagnosticCount, forEachDiagnostic, setDiagnosticsEffect } from '@codemirror/lint';
import { EditorView } from '@codemirror/view';

/** Tells `onProblems` what was found, `{ from, severity, message, line }`, each time it ran. */
export function tellingProblems(onProblems) {
  return EditorView.updateListener.of((update) => {
    const hasRun = update.transactions.some(({ effects }) =>
      effects.some((effect) => effect.is(setDiagnosticsEffect)));
    // Who replaces a text has removed its problems too; a check that finds none then tells nothing.
    const before = diagnosticCount(update.startState);
    if (hasRun || diagnosticCount(update.state) !== before) {
      onProblems(problemsOf(update.state));
    }
  });
}

function problemsOf(state) {
  const problems = [];
  forEachDiagnostic(state, ({ severity, message }, from) => {
    problems.push({ from, severity, message, line: state.doc.lineAt(from).number });
  });
  return problems;
}
