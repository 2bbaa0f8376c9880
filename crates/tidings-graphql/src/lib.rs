//! The GraphQL types that the management API and the built-in platform share.
//!
//! ```text
//! request ─► Viewer (who asks) ─► resolver ─► what was asked for
//!     where the result is a union    ├─ Failure ─► OperationFailure, in `data`
//!     everywhere else                └─ Failure ─► an error with extensions.code
//! ```
//!
//! Nothing here reads or writes. Modules use those above them in this list.

pub mod scalar;
pub mod locale;
pub mod access_level;
pub mod denial;
pub mod texts;
pub mod failure;
pub mod viewer;
pub mod passing_trouble;
pub mod page;
pub mod order;

pub use access_level::AccessLevel;
pub use denial::Denial;
pub use failure::{OperationFailure, OperationFailureCode, Problem};
pub use locale::Locale;
pub use page::{ListPage, PageArguments, cursor};
pub use passing_trouble::PassingTrouble;
pub use scalar::{DateTime, Json};
pub use texts::{Failure, Thing};
pub use viewer::{Viewer, principal};
