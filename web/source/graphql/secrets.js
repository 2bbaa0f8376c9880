// What of an operation may be kept by the browser, and so lie on a disk.
//
// A query names what it asks for. A mutation is given things: the password of an account, the key
// of a webhook. So of a mutation every text between quotation marks is left out, in itself and in
// its variables; the names stay, as the shape to fill in again.
//
// The variables may be those of a mutation that stood beside them before, or will: they are a
// query's where it declares them all. In what is half written nobody can tell the inside of a text
// from its outside, so all that may be one is left out.
import { TokenKind, parse } from 'graphql';

const MUTATION = /\bmutation\b/;
// How a query begins, after its comments. Variables in the wrong place have a text there.
const QUERY = /^(?:[\s,]|#[^\n]*(?:\n|$))*(?:\{(?!\s*["'“])|(?:query|subscription|fragment)\b)/;
const DECLARED = /\$(\w+)\s*:/g;
// The names in JSON are texts too: a colon follows them.
const JSON_TEXT = /"(?:\\.|[^"\\])*"(\s*:)?/g;
// Those too that GraphQL does not know: somebody may type or paste them.
const QUOTATION_MARK = /["'`‘’‚“”„«»]/;

/** The query and the variables without what may be secret. Both may be half written. */
export function keepable({ query, variables }) {
  if (isQuery(query)) {
    return { query, variables: keepableVariables(variables, namesDeclaredIn(query)) };
  }
  return { query: withoutTexts(query), variables: keepableVariables(variables, []) };
}

// Half of the word `mutation` is none, so what does not parse must say what else it is.
function isQuery(text) {
  return QUERY.test(text) && !MUTATION.test(text);
}

function namesDeclaredIn(query) {
  return Array.from(query.matchAll(DECLARED), ([, name]) => name);
}

function keepableVariables(text, declared) {
  let variables;
  try {
    variables = JSON.parse(text);
  } catch {
    return '';
  }
  const isObject = typeof variables === 'object' && variables !== null;
  if (isObject && Object.keys(variables).every((name) => declared.includes(name))) {
    return text;
  }
  return text.replace(JSON_TEXT, (found, colon) => (colon === undefined ? '""' : found));
}

function withoutTexts(text) {
  let first;
  try {
    first = parse(text).loc.startToken;
  } catch {
    return beforeTexts(text);
  }
  let kept = '';
  let from = 0;
  for (let token = first; token !== null; token = token.next) {
    const { start, end, kind } = token;
    kept += text.slice(from, start) + keepableToken(kind, text.slice(start, end));
    from = end;
  }
  return kept;
}

function keepableToken(kind, text) {
  if (kind === TokenKind.STRING || kind === TokenKind.BLOCK_STRING) {
    return '""';
  }
  // A part of the operation may have been made a comment.
  return kind === TokenKind.COMMENT ? beforeTexts(text) : text;
}

// A text may have lost its first quotation mark, so what stands before it on its line goes as well,
// back to the name that it is the value of.
function beforeTexts(text) {
  const at = text.search(QUOTATION_MARK);
  if (at === -1) {
    return text;
  }
  const before = text.slice(0, at);
  return before.slice(0, Math.max(before.lastIndexOf('\n'), before.lastIndexOf(':')) + 1);
}
