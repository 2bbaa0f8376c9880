// The extensions of an editor for the variables of an operation, and of one that shows a result.
import { json, jsonParseLinter } from '@codemirror/lang-json';
import { linter } from '@codemirror/lint';
import { EditorState, Prec, StateEffect, StateField } from '@codemirror/state';
import { keymap } from '@codemirror/view';

import { readVariables, variableProblems } from '../graphql/variables.js';
import { readable, writable } from './basics.js';
import { tellingProblems } from './problems.js';

const DELAY_MS = 300;

const meant = StateEffect.define();
const meantField = StateField.define({
  create: () => ({ schema: undefined, operation: undefined }),
  update: (value, transaction) =>
    transaction.effects.find((effect) => effect.is(meant))?.value ?? value,
});

/** Tells the editor for which operation of which schema the variables are. */
export function meanOperation(view, schema, operation) {
  view.dispatch({ effects: meant.of({ schema, operation }) });
}

/** For the variables. `onRun`: a key; `onProblems(problems)`: what the check found. */
export function variablesExtensions({ onRun, onProblems }) {
  const run = () => {
    onRun();
    return true;
  };
  const options = {
    delay: DELAY_MS,
    needsRefresh: ({ startState, state }) =>
      startState.field(meantField) !== state.field(meantField),
  };
  return [
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
    meantField,
    writable,
    json(),
    EditorState.languageData.of(() => [{ autocomplete: nameOfVariable }]),
    linter(check, options),
    tellingProblems(onProblems),
  ];
}

/** For a result. */
export const resultExtensions = [readable, json()];

const parseCheck = jsonParseLinter();

function check(view) {
  const text = view.state.doc.toString();
  const { schema, operation } = view.state.field(meantField);
  if (text.trim() !== '') {
    const broken = parseCheck(view);
    if (broken.length > 0) {
      return broken;
    }
  }
  const { variables = {}, problem } = readVariables(text);
  if (problem !== undefined) {
    return [{ from: 0, to: text.length, severity: 'error', message: problem }];
  }
  if (schema === undefined || operation === undefined) {
    return [];
  }
  return variableProblems(schema, operation, variables).map(({ severity, name, message }) => {
    const key = `"${name}"`;
    const at = text.indexOf(key);
    const [from, to] = at < 0 ? [0, text.length] : [at, at + key.length];
    return { from, to, severity, message };
  });
}

// Suggests the variables that the operation declares and the text does not have, where a name goes.
function nameOfVariable(context) {
  const typed = context.matchBefore(/[{,]\s*"?\w*$/);
  if (typed === null) {
    return null;
  }
  const text = context.state.doc.toString();
  const { operation } = context.state.field(meantField);
  const declared = operation?.definition.variableDefinitions ?? [];
  const options = declared
    .map(({ variable }) => variable.name.value)
    .filter((name) => !text.includes(`"${name}"`))
    .map((name) => ({ label: `"${name}"`, apply: applyName }));
  const from = typed.from + typed.text.match(/^[{,]\s*/)[0].length;
  return { from, options };
}

// The closing quote is there already where the editor put it in by itself.
function applyName(view, { label }, from, to) {
  const hasQuote = view.state.sliceDoc(to, to + 1) === '"';
  const insert = `${label}: `;
  const changes = { from, to: hasQuote ? to + 1 : to, insert };
  view.dispatch({ changes, selection: { anchor: from + insert.length } });
}
