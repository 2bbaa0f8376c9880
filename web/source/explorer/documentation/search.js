// Finds types, fields, arguments and values by a word. The best come first: the same name, then one
// that begins with the word, then one that has it inside, then a description that does.
import { isEnumType } from 'graphql';

import { fieldsOf } from './places.js';

const FOUND_MAX = 60;

/** What the schema has for a word: the best `found`, `{ title, place }`, of so many in `total`. */
export function search(schema, word) {
  const wanted = word.trim().toLowerCase();
  if (wanted === '') {
    return { found: [], total: 0 };
  }
  const matches = everything(schema)
    .map((entry) => ({ ...entry, rank: rank(entry, wanted) }))
    .filter((entry) => entry.rank < Infinity)
    .sort(byRank);
  return { found: matches.slice(0, FOUND_MAX), total: matches.length };
}

// Of equals a type comes before the fields that are named like it.
function byRank(left, right) {
  const isInside = ({ title }) => Number(title.includes('.'));
  return left.rank - right.rank
    || isInside(left) - isInside(right)
    || left.title.localeCompare(right.title);
}

function rank({ name, title, description }, wanted) {
  const lower = name.toLowerCase();
  const ranks = [
    lower === wanted,
    lower.startsWith(wanted),
    lower.includes(wanted),
    title.toLowerCase().includes(wanted),
    (description ?? '').toLowerCase().includes(wanted),
  ];
  const first = ranks.indexOf(true);
  return first < 0 ? Infinity : first;
}

function everything(schema) {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  return types.flatMap((type) => {
    const place = { kind: 'type', type: type.name };
    const own = { name: type.name, title: type.name, description: type.description, place };
    const values = isEnumType(type) ? type.getValues() : [];
    return [
      own,
      ...values.map(({ name, description }) =>
        ({ name, title: `${type.name}.${name}`, description, place })),
      ...Object.values(fieldsOf(type)).flatMap((field) => ofField(type, field)),
    ];
  });
}

function ofField(type, { name, description, args = [] }) {
  const place = { kind: 'field', type: type.name, field: name };
  const title = `${type.name}.${name}`;
  return [
    { name, title, description, place },
    ...args.map((argument) => ({
      name: argument.name,
      title: `${title}(${argument.name})`,
      description: argument.description,
      place,
    })),
  ];
}
