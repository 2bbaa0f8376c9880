// The three pages of the documentation: the schema, a type, a field.
import { isAbstractType, isEnumType, isInterfaceType, isObjectType } from 'graphql';

import { fieldsOf, kindOf } from './places.js';
import { DefaultValue, Deprecation, Description, TypeLink } from './words.jsx';

export function SchemaPage({ schema, onGo }) {
  const roots = [
    ['Query', 'reads', schema.getQueryType()],
    ['Mutation', 'changes', schema.getMutationType()],
    ['Subscription', 'streams', schema.getSubscriptionType()],
  ].filter(([, , type]) => type);
  const isRoot = (type) => roots.some(([, , root]) => root === type);
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !type.name.startsWith('__') && !isRoot(type))
    .sort((left, right) => left.name.localeCompare(right.name));
  return (
    <>
      <Description text={schema.description} />
      <h3>Where operations begin</h3>
      <ul class="entries">
        {roots.map(([title, does, type]) => (
          <li key={title}>
            <TypeLink type={type} onGo={onGo} /> <span class="quiet-text">{does}</span>
          </li>
        ))}
      </ul>
      <h3>All types</h3>
      <ul class="entries compact">
        {types.map((type) => (
          <li key={type.name}>
            <TypeLink type={type} onGo={onGo} /> <span class="kind">{kindOf(type)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

export function TypePage({ schema, type, onGo }) {
  const fields = Object.values(fieldsOf(type));
  const interfaces = isObjectType(type) || isInterfaceType(type) ? type.getInterfaces() : [];
  const possible = isAbstractType(type) ? schema.getPossibleTypes(type) : [];
  const values = isEnumType(type) ? type.getValues() : [];
  return (
    <>
      <p class="kind">{kindOf(type)}</p>
      <Description text={type.description} />
      <Types title="Implements" types={interfaces} onGo={onGo} />
      <Types title="One of" types={possible} onGo={onGo} />
      {fields.length > 0 && <h3>Fields</h3>}
      <ul class="entries">
        {fields.map((field) => (
          <FieldEntry key={field.name} type={type} field={field} onGo={onGo} />
        ))}
      </ul>
      {values.length > 0 && <h3>Values</h3>}
      <ul class="entries">
        {values.map((value) => (
          <li key={value.name}>
            <code class="value">{value.name}</code>
            <Description text={value.description} />
            <Deprecation reason={value.deprecationReason} />
          </li>
        ))}
      </ul>
    </>
  );
}

export function FieldPage({ type, field, onGo }) {
  return (
    <>
      <p class="signature">
        <span class="field-name">{field.name}</span>: <TypeLink type={field.type} onGo={onGo} />
        <DefaultValue of={field} />
      </p>
      <p class="quiet-text">A field of <TypeLink type={type} onGo={onGo} /></p>
      <Description text={field.description} />
      <Deprecation reason={field.deprecationReason} />
      {field.args?.length > 0 && <h3>Arguments</h3>}
      <ul class="entries">
        {(field.args ?? []).map((argument) => (
          <li key={argument.name}>
            <p class="signature">
              <span class="argument-name">{argument.name}</span>
              : <TypeLink type={argument.type} onGo={onGo} /><DefaultValue of={argument} />
            </p>
            <Description text={argument.description} />
            <Deprecation reason={argument.deprecationReason} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Types({ title, types, onGo }) {
  if (types.length === 0) {
    return null;
  }
  return (
    <>
      <h3>{title}</h3>
      <ul class="entries compact">
        {types.map((type) => <li key={type.name}><TypeLink type={type} onGo={onGo} /></li>)}
      </ul>
    </>
  );
}

function FieldEntry({ type, field, onGo }) {
  const go = () => onGo({ kind: 'field', type: type.name, field: field.name });
  const names = (field.args ?? []).map(({ name }) => name);
  return (
    <li>
      <p class="signature">
        <button type="button" class="link field-name" onClick={go}>{field.name}</button>
        {names.length > 0 && <span class="quiet-text">({names.join(', ')})</span>}
        : <TypeLink type={field.type} onGo={onGo} /><DefaultValue of={field} />
      </p>
      <Description text={field.description} isShort />
      <Deprecation reason={field.deprecationReason} />
    </li>
  );
}
