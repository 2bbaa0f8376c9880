//! The schemas that the tests check against.

use proptest::prelude::*;
use tidings_query::SourceSchema;

/// A part of the platform's schema, with a search beside it for what that part has not.
pub const PLATFORM: &str = r#"
scalar DateTime
scalar JSON
enum Locale { en_GB cy_GB fr_FR @deprecated(reason: "use en_GB") }
enum OperationFailureCode { NOT_FOUND NOT_PERMITTED UNAUTHENTICATED INVALID_INPUT CONFLICT }

type Query {
  getUser(id: ID!): GetUserResult!
  getUsers(first: Int = 50, after: String, updatedSince: DateTime): UserPage!
  getProvider(code: String!): Provider
  getProviders: [Provider!]!
  getEnergySwitch(id: ID!): GetEnergySwitchResult!
  getEnergySwitches(user: ID, first: Int = 50, after: String): EnergySwitchPage!
  search(filter: Filter, meta: JSON, oldFilter: Filter @deprecated): [Node!]
  node(id: ID!): Node
}
type Mutation { deleteUser(id: ID!): GetUserResult! }
type Subscription { switched(id: ID!): EnergySwitch }

input Filter {
  ids: [ID!], required: Int!, size: Int! = 1, locale: Locale, not: Filter
  old: Int @deprecated
}
input Either @oneOf { id: ID, code: String }
directive @oneOf on INPUT_OBJECT

interface Node { id: ID! }
union GetUserResult = User | OperationFailure
union GetEnergySwitchResult = EnergySwitch | OperationFailure

type OperationFailure {
  code: OperationFailureCode!
  description(locale: Locale! = en_GB): String!
  problems: [Problem!]!
}
type Problem { path: String!, message: String!, line: Int, column: Int }
type UserPage { items: [User!]!, endCursor: String, hasNextPage: Boolean!, deleted: [ID!]! }
type EnergySwitchPage { items: [EnergySwitch!]!, endCursor: String, hasNextPage: Boolean! }
type User implements Node {
  id: ID!
  tenantId: String
  reference: String
  name(either: Either): String
  switches(first: Int): [EnergySwitch!]!
  friend: User
}
type Provider { code: String!, name: String!, oldName: String @deprecated(reason: "use `name`") }
type Money { currency: String!, amount: Float! }
type EnergySwitch implements Node {
  id: ID!
  date: DateTime!
  user: User!
  userSwitchReferenceId: String
  postcode: String
  provider: Provider!
  tariffName: String
  projectedSpend: Money
  savings: Money
  fuelType: FuelType!
  fuelsSwitched: Int!
  commission: Commission!
  updated: DateTime!
}
enum FuelType { Elec Gas Elecgas }
enum CommissionStatus { waitingForUpdate switchTerminated commissionExpected commissionReceived }
type Commission {
  fuelsWaitingForUpdate: Int!
  fuelsWithSwitchTerminated: Int!
  fuelsWithCommissionExpected: Int!
  fuelsWithCommissionReceived: Int!
  statusDate: DateTime!
  status: CommissionStatus!
}
"#;

/// [`PLATFORM`], read.
pub fn platform() -> SourceSchema {
    SourceSchema::parse("/schema", PLATFORM).unwrap()
}

/// The queries that are recommended for an `EnergySwitch`: full, minimal, commission alone.
pub const PLATFORM_QUERIES: [&str; 3] = [
    "\
query($id: ID!) {
  getEnergySwitch(id: $id) {
    __typename
    ... on OperationFailure {
      description(locale: en_GB)
    }
    ... on EnergySwitch {
      id
      date
      user {
        id
        tenantId
      }
      userSwitchReferenceId
      postcode
      provider {
        code
        name
      }
      tariffName
      projectedSpend {
        currency
        amount
      }
      savings {
        currency
        amount
      }
      fuelType
      fuelsSwitched
      commission {
        fuelsWaitingForUpdate
        fuelsWithSwitchTerminated
        fuelsWithCommissionExpected
        fuelsWithCommissionReceived
        statusDate
        status
      }
    }
  }
}
",
    "\
query($id: ID!) {
  getEnergySwitch(id: $id) {
    __typename
    ... on OperationFailure {
      description(locale: en_GB)
    }
    ... on EnergySwitch {
      id
      date
    }
  }
}
",
    "\
query($id: ID!) {
  getEnergySwitch(id: $id) {
    __typename
    ... on OperationFailure {
      description(locale: en_GB)
    }
    ... on EnergySwitch {
      id
      commission {
        fuelsWaitingForUpdate
        fuelsWithSwitchTerminated
        fuelsWithCommissionExpected
        fuelsWithCommissionReceived
        statusDate
        status
      }
    }
  }
}
",
];

/// Text that gets past the parser often enough to be worth validating.
fn schema_like() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "type Query",
        "type A",
        "interface I",
        "implements I",
        "& A",
        "union U = A | Query",
        "enum E { X }",
        "input In",
        "scalar S",
        "extend",
        "schema { query: A }",
        "{ a: A! }",
        "{ a(b: In = { c: 1 }): [U!] }",
        "{ c: In! }",
        "{ c: Int = 1 }",
        "directive @d(a: In @d)",
        "on FIELD_DEFINITION",
        "@d",
        "@deprecated",
        "\"text\"",
        "{",
        "}",
        "é",
        "__x: Int",
    ]);
    prop::collection::vec(pieces, 0..20).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn no_text_brings_the_reading_of_a_schema_down(
        text in prop_oneof![schema_like(), any::<String>()],
    ) {
        if let Err(problems) = SourceSchema::parse("/schema", &text) {
            prop_assert!(!problems.is_empty() && problems.len() <= 20);
        }
    }
}
