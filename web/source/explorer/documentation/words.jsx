// Descriptions and types as the documentation shows them.
import { astFromValue, print } from 'graphql';

import { nameOfType } from './places.js';

/** A description: paragraphs, and `code` between backticks. */
export function Description({ text, isShort }) {
  if (!text) {
    return null;
  }
  const paragraphs = text.trim().split(/\n\s*\n/);
  const shown = isShort ? paragraphs.slice(0, 1) : paragraphs;
  return (
    <div class="description">
      {shown.map((paragraph, index) => <p key={index}>{inline(paragraph)}</p>)}
    </div>
  );
}

/** A type as it is written, its name a way to its documentation. */
export function TypeLink({ type, onGo }) {
  const name = nameOfType(type);
  const [before, after] = String(type).split(name);
  const go = () => onGo({ kind: 'type', type: name });
  return (
    <span class="type">
      {before}<button type="button" class="link type-name" onClick={go}>{name}</button>{after}
    </span>
  );
}

/** The default of an argument or an input field. */
export function DefaultValue({ of }) {
  if (of.defaultValue === undefined) {
    return null;
  }
  return <span class="default"> = {print(astFromValue(of.defaultValue, of.type))}</span>;
}

/** Why something should not be used any more. */
export function Deprecation({ reason }) {
  return reason ? <p class="deprecation">Deprecated: {inline(reason)}</p> : null;
}

/** A text with its `code` between backticks as such. */
export function inline(text) {
  return text.split('`').map((part, index) => (
    index % 2 === 1 ? <code key={index}>{part}</code> : part
  ));
}
