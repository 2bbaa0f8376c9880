// Lays a document out anew, and keeps its comments.
//
//   text ─► parse, print ─► the same words in the same order ─► comments put back between them
//
// graphql-js prints no comments, so each is tied to a word beside it: one that ends a line to the
// word before it, one on a line of its own to the word after it.
import { Lexer, Source, TokenKind, parse, print } from 'graphql';

/** The text laid out anew. Fails with the parser's error, or when a comment would be lost. */
export function prettified(text) {
  const printed = print(parse(text));
  const { words, comments } = read(text);
  if (comments.length === 0) {
    return printed;
  }
  const places = matched(words, read(printed).words);
  return withComments(printed.split('\n'), comments, places);
}

// The words of a text, and its comments with the numbers of the words around them.
function read(text) {
  const lexer = new Lexer(new Source(text));
  const words = [];
  const comments = [];
  let token = lexer.token;
  while (token.kind !== TokenKind.EOF) {
    token = token.next ?? advance(lexer);
    if (token.kind === TokenKind.COMMENT) {
      const endsLine = words.length > 0 && words.at(-1).endLine === token.line;
      comments.push({ text: `#${token.value}`.trimEnd(), next: words.length, endsLine });
    } else if (token.kind !== TokenKind.EOF) {
      const { kind, value, line } = token;
      words.push({ kind, value, line, endLine: endLine(token) });
    }
  }
  return { words, comments };
}

// The lexer passes over comments but links them, so one step may bring several tokens.
function advance(lexer) {
  const last = lexer.token;
  lexer.advance();
  return last.next;
}

function endLine(token) {
  const isBlock = token.kind === TokenKind.BLOCK_STRING;
  return token.line + (isBlock ? token.value.split('\n').length + 1 : 0);
}

// For each word of the original the line on which it is printed, from 0. The printer leaves out one
// word only: `query` of an operation that needs no name.
function matched(words, printed) {
  const lines = [];
  let at = 0;
  for (const word of words) {
    const is = printed[at];
    if (is !== undefined && is.value === word.value && same(is.kind, word.kind)) {
      lines.push(is.line - 1);
      at += 1;
    } else if (word.value === 'query') {
      lines.push((is ?? printed.at(-1)).line - 1);
    } else {
      throw new Error('The comments have no place in the new layout; nothing was changed.');
    }
  }
  return lines;
}

function same(left, right) {
  const isString = (kind) => kind === TokenKind.STRING || kind === TokenKind.BLOCK_STRING;
  return left === right || (isString(left) && isString(right));
}

function withComments(lines, comments, places) {
  const before = new Map();
  const after = new Map();
  for (const { text, next, endsLine } of comments) {
    const isLast = next === places.length;
    const map = endsLine ? after : before;
    const line = endsLine ? places[next - 1] : (isLast ? lines.length : places[next]);
    map.set(line, [...(map.get(line) ?? []), text]);
  }
  const written = [];
  for (let line = 0; line <= lines.length; line += 1) {
    const indent = (lines[line] ?? '').match(/^ */)[0];
    written.push(...(before.get(line) ?? []).map((text) => indent + text));
    if (line < lines.length) {
      written.push([lines[line], ...(after.get(line) ?? [])].join(' '));
    }
  }
  return written.join('\n');
}
