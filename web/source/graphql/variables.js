// Reads the text of the variables, and holds them against what the operation declares.
import { GraphQLError, getVariableValues } from 'graphql';

const PROBLEMS_MAX = 20;

/** Gives `{ variables }`, which is undefined for an empty text, or `{ problem }`. */
export function readVariables(text) {
  if (text.trim() === '') {
    return { variables: undefined };
  }
  let variables;
  try {
    variables = JSON.parse(text);
  } catch (error) {
    return { problem: `The variables are not JSON: ${error.message}` };
  }
  if (variables === null || typeof variables !== 'object' || Array.isArray(variables)) {
    return { problem: 'The variables must be one JSON object, such as {"id": "1"}.' };
  }
  return { variables };
}

/**
 * What is wrong with variables for an operation: `{ severity, message, name }`, the name where known.
 */
export function variableProblems(schema, operation, variables) {
  const declared = operation.definition.variableDefinitions ?? [];
  const names = declared.map((definition) => definition.variable.name.value);
  const unknown = Object.keys(variables)
    .filter((name) => !names.includes(name))
    .map((name) => ({
      // The server passes over it: another operation of the document may declare it.
      severity: 'warning',
      name,
      message: `The operation declares no variable “$${name}”.`,
    }));
  const { errors = [] } = coerced(schema, declared, variables);
  const wrong = errors.map((error) => ({
    severity: 'error',
    name: error.nodes?.[0]?.variable?.name.value,
    message: error.message,
  }));
  return [...wrong, ...unknown];
}

function coerced(schema, declared, variables) {
  try {
    return getVariableValues(schema, declared, variables, { maxErrors: PROBLEMS_MAX });
  } catch (error) {
    return { errors: [error instanceof GraphQLError ? error : new GraphQLError(error.message)] };
  }
}
