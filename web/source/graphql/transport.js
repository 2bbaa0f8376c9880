// One request to the server's GraphQL route, and what came of it as a value.
//
//   post ─► answered (status, text, value, shown)   whatever the status
//       └─► failed (message)                        nothing came back, or it was stopped

// Relative, so that the page also works behind a proxy that adds a folder.
const ROUTE = 'v1/graphql';
const ACCEPTED = 'application/graphql-response+json, application/json;q=0.9';

/** Sends a request. `token` may be empty; it goes nowhere but into this header. */
export async function post({ query, variables, operationName }, token, signal) {
  if (!/^[\x21-\x7e]*$/.test(token)) {
    return { kind: 'failed', message: 'The token has a character that none has: copy it again.' };
  }
  const headers = { accept: ACCEPTED, 'content-type': 'application/json' };
  if (token !== '') {
    headers.authorization = `Bearer ${token}`;
  }
  const body = JSON.stringify({ query, variables, operationName });
  const startedAt = performance.now();
  try {
    const options = { method: 'POST', headers, body, signal, cache: 'no-store', redirect: 'error' };
    const response = await fetch(ROUTE, options);
    const text = await response.text();
    const durationMs = Math.round(performance.now() - startedAt);
    const { status } = response;
    return { kind: 'answered', status, text, ...read(text), durationMs };
  } catch (error) {
    return { kind: 'failed', message: failureMessage(error) };
  }
}

/** The errors of an answer, GraphQL's and those of the HTTP layer alike. */
export function errorsOf(answer) {
  if (answer.kind === 'failed') {
    return [{ message: answer.message }];
  }
  const { value, status } = answer;
  if (Array.isArray(value?.errors)) {
    return value.errors.map(errorOf);
  }
  if (status >= 400 || value?.data === undefined) {
    const message =
      textOf(value?.detail) ?? `The server answered with status ${status} and no GraphQL.`;
    return [{ message, code: textOf(value?.code)?.toUpperCase() }];
  }
  return [];
}

// What stands between may have answered in the server's place, so nothing is taken for granted.
function errorOf(error) {
  const place = error?.locations?.[0];
  return {
    message: textOf(error?.message) ?? 'An error without a message.',
    path: Array.isArray(error?.path) ? error.path.join('.') : undefined,
    place: Number.isInteger(place?.line) && Number.isInteger(place?.column) ? place : undefined,
    code: textOf(error?.extensions?.code),
  };
}

function textOf(value) {
  return typeof value === 'string' ? value : undefined;
}

/** Whether an error says that a token is missing or opens nothing. */
export function isAboutToken(error) {
  return error.code === 'UNAUTHENTICATED';
}

// The value, and the text laid out for people: as it came where it is no JSON, or JSON that is nested
// too deep to be written.
function read(text) {
  let value;
  try {
    value = JSON.parse(text);
    return { value, shown: JSON.stringify(value, null, 2) };
  } catch {
    return { value, shown: text };
  }
}

function failureMessage(error) {
  if (error.name === 'AbortError') {
    return 'Stopped before the server answered.';
  }
  return `The server could not be reached (${error.message}). Is it running?`;
}
