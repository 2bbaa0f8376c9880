// Asks the server for its schema, with the token if there is one.
import { buildClientSchema, getIntrospectionQuery } from 'graphql';

import { errorsOf, post } from './transport.js';

const QUERY = getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true });

/** Gives `{ schema }` or `{ errors }`. */
export async function loadSchema(token, signal) {
  const answer = await post({ query: QUERY, operationName: 'IntrospectionQuery' }, token, signal);
  const errors = errorsOf(answer);
  if (errors.length > 0) {
    return { errors };
  }
  try {
    return { schema: buildClientSchema(answer.value.data) };
  } catch (error) {
    return { errors: [{ message: `The schema cannot be read: ${error.message}` }] };
  }
}
