// One request to the server's GraphQL route, and what came of it as a value.
//
//   post ─► answered (status, text, value)   whatever the status
//       └─► failed (message)                 nothing came back, or it was stopped

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
    return { kind: 'answered', status, text, value: parsed(text), durationMs };
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
    return value.errors.map((error) => ({
      message: String(error.message),
      path: Array.isArray(error.path) ? error.path.join('.') : undefined,
      place: error.locations?.[0],
      code: error.extensions?.code,
    }));
  }
  if (status >= 400 || value === undefined) {
    const message = value?.detail ?? `The server answered with status ${status} and no GraphQL.`;
    return [{ message, code: value?.code?.toUpperCase() }];
  }
  return [];
}

/** Whether an error says that a token is missing or opens nothing. */
export function isAboutToken(error) {
  return error.code === 'UNAUTHENTICATED';
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failureMessage(error) {
  if (error.name === 'AbortError') {
    return 'Stopped before the server answered.';
  }
  return `The server could not be reached (${error.message}). Is it running?`;
}
