// Where in the documentation somebody is, as a value; and the way back.
//
//   { kind: 'schema' } · { kind: 'type', type } · { kind: 'field', type, field }
import { getNamedType, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isScalarType }
  from 'graphql';

export const SCHEMA = { kind: 'schema' };

/** The title of a place, as its heading and the way back show it. */
export function titleOfPlace(place) {
  return { schema: 'Schema', type: place.type, field: `${place.type}.${place.field}` }[place.kind];
}

/** Whether the schema has the place: another token may show another schema. */
export function isThere(schema, place) {
  if (place.kind === 'schema') {
    return true;
  }
  const type = schema.getType(place.type);
  return type !== undefined && (place.kind === 'type' || fieldsOf(type)[place.field] !== undefined);
}

/** The place of what stands at the cursor, as the editor names it. */
export function placeFromEditor(schema, field, type, parentType) {
  const parent = parentType && schema.getType(nameIn(parentType));
  if (field && parent && fieldsOf(parent)[field] !== undefined) {
    return { kind: 'field', type: parent.name, field };
  }
  const named = type && schema.getType(nameIn(type));
  return named ? { kind: 'type', type: named.name } : undefined;
}

/** The fields of a type by name; none for a type without fields. */
export function fieldsOf(type) {
  const has = isObjectType(type) || isInterfaceType(type) || isInputObjectType(type);
  return has ? type.getFields() : {};
}

/** What kind of type it is, in a word. */
export function kindOf(type) {
  if (isObjectType(type)) return 'type';
  if (isInputObjectType(type)) return 'input';
  if (isInterfaceType(type)) return 'interface';
  if (isEnumType(type)) return 'enum';
  return isScalarType(type) ? 'scalar' : 'union';
}

/** The name of the type below the lists and the exclamation marks. */
export function nameOfType(type) {
  return getNamedType(type).name;
}

// `[Account!]!` as text, as the editor gives it.
function nameIn(text) {
  return text.replace(/[[\]!]/g, '');
}
