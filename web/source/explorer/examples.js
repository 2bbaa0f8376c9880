// The queries that the documentation of webhooks recommends for energy switches, to begin with.
// A test of the platform holds them equal to those of its sample.
import { parse, validate } from 'graphql';

import switchCommission from './examples/energy_switch_commission.graphql';
import switchFull from './examples/energy_switch.graphql';
import switchMinimal from './examples/energy_switch_minimal.graphql';

const VARIABLES = '{\n  "id": "602cd86f3755d621aff583ee"\n}';

export const EXAMPLES = [
  {
    title: 'Energy switch, all of it',
    description: 'All there is to know of a new switch. For EnergySwitchAdded.',
    query: switchFull.trimEnd(),
    variables: VARIABLES,
  },
  {
    title: 'Energy switch, the least',
    description: 'Its id and date, for those who look up the rest themselves.',
    query: switchMinimal.trimEnd(),
    variables: VARIABLES,
  },
  {
    title: 'Commission of a switch',
    description: 'How far the commission is. For EnergySwitchUpdated.',
    query: switchCommission.trimEnd(),
    variables: VARIABLES,
  },
];

/** Those of the examples that this server's schema can answer; all while it is not known. */
export function examplesFor(schema) {
  if (schema === undefined) {
    return EXAMPLES;
  }
  return EXAMPLES.filter(({ query }) => validate(schema, parse(query)).length === 0);
}
