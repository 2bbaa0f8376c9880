//! How much a stored query, a schema and a source's answer may be.
//!
//! Every refusal names the constant in lower case (`depth_max`), so that a person who meets it can
//! find it here, in [`tidings_core::limits`] or in the documentation.

use tidings_core::limits::PAYLOAD_BYTES_MAX;

/// Bytes of a schema in SDL. Large public schemas are between one and three mebibytes.
pub const SCHEMA_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Tokens of a schema in SDL, ignored ones included.
pub const SCHEMA_TOKENS_MAX: usize = 2_000_000;

/// Fields, arguments and directives that validation looks at when it follows the input objects
/// and directives of a schema every way from each of them.
pub const SCHEMA_STEPS_MAX: usize = 2_000_000;

/// Bytes of a query's text.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;

/// Tokens of a query's text; white space, commas and comments do not count.
pub const TOKENS_MAX: usize = 10_000;

/// Brackets of any kind that are open at one place of a text, and selection sets (of fields,
/// fragments and spreads) that enclose one another once the fragments are put in. It bounds every
/// recursion that follows.
pub const NESTING_MAX: usize = 64;

/// Named fragments of one query.
pub const FRAGMENTS_MAX: usize = 100;

/// Fields below one another, fragments put in; the first level is 1.
pub const DEPTH_MAX: u64 = 15;

/// Fields, spreads and inline fragments, fragments put in.
pub const SELECTIONS_MAX: u64 = 2_000;

/// Fields with an alias, fragments put in.
pub const ALIASES_MAX: u64 = 200;

/// Directives, fragments put in.
pub const DIRECTIVES_MAX: u64 = 100;

/// Fields at the root, fragments put in.
pub const ROOT_FIELDS_MAX: u64 = 50;

/// The estimate of [`crate::cost`].
pub const COST_MAX: u64 = 5_000;

/// Items that a list is taken to hold when nothing tells its size.
pub const LIST_ITEMS_ASSUMED: u64 = 10;

/// Variables that a query declares.
pub const VARIABLES_MAX: usize = 50;

/// Problems that are told at once.
pub const PROBLEMS_MAX: usize = 20;

/// Bytes of a source's answer: what does not fit a payload need not be read.
pub const RESPONSE_BYTES_MAX: usize = PAYLOAD_BYTES_MAX;

/// Arrays and objects inside one another in a source's answer.
pub const RESPONSE_NESTING_MAX: usize = 100;
