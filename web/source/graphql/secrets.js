// What of an operation may be kept by the browser, and so lie on a disk.
//
// A query names what it asks for. A mutation is given things: the password of an account, the key of
// a webhook. So of a mutation every text between quotation marks is left out, in itself and in its
// variables; the names stay, as the shape to fill in again.

const MUTATION = /\bmutation\b/;
// The names in JSON are texts too: a colon follows them.
const TEXT = /"""(?:\\"""|[^])*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?(\s*:)?/g;

/** The query and the variables without what may be secret. Both may be half written. */
export function keepable({ query, variables }) {
  if (!MUTATION.test(query)) {
    return { query, variables };
  }
  return { query: withoutTexts(query), variables: withoutTexts(variables) };
}

function withoutTexts(text) {
  return text.replace(TEXT, (found, colon) => (colon === undefined ? '""' : found));
}
