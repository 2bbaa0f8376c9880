//! The languages that failures are told in.

use async_graphql::Enum;

/// A language and country in which a failure is described.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Locale {
    /// English, as in Great Britain.
    #[default]
    #[graphql(name = "en_GB")]
    EnGb,
    /// Welsh, as in Great Britain.
    #[graphql(name = "cy_GB")]
    CyGb,
}
