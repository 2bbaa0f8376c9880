// The operations of a document, and which of them is meant.
import { Kind, parse } from 'graphql';

/** The operations of a text, in its order. None while the text is not GraphQL. */
export function operationsOf(text) {
  let document;
  try {
    document = parse(text);
  } catch {
    return [];
  }
  return document.definitions
    .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .map((definition) => ({
      name: definition.name?.value,
      kind: definition.operation,
      from: definition.loc.start,
      to: definition.loc.end,
      definition,
    }));
}

/** The operation with this name; the first when there is none. */
export function chosenOperation(operations, name) {
  return operations.find((operation) => operation.name === name) ?? operations[0];
}

/** The name of the operation in which the cursor stands. */
export function nameAt(operations, place) {
  return operations.find(({ from, to }) => from <= place && place <= to)?.name;
}

/** What a person would call an operation: its name, or else what it asks for. */
export function titleOf(text) {
  const [operation] = operationsOf(text);
  if (operation === undefined) {
    return text.trim().split('\n')[0].slice(0, 60) || 'nothing';
  }
  const fields = operation.definition.selectionSet.selections
    .filter((selection) => selection.kind === Kind.FIELD)
    .map((selection) => selection.name.value);
  return operation.name ?? (fields.join(', ') || operation.kind);
}
