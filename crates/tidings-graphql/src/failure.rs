//! A failure that is a result: it stands in `data`, and a stored query delivers it like anything
//! else.

use std::fmt;

use async_graphql::{Enum, Object, SimpleObject};
use serde::Serialize;

use crate::{locale::Locale, texts::Failure};

/// What kind of failure it is: for programs.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationFailureCode {
    /// There is no such thing, or not for this token.
    NotFound,
    /// The token may not do this.
    NotPermitted,
    /// There is no token.
    Unauthenticated,
    /// The input cannot be used; `problems` says where and why.
    InvalidInput,
    /// What was asked for is not offered here.
    NotSupported,
    /// It does not go together with what is stored.
    Conflict,
    /// It cannot be done at present. Trying again may help.
    Unavailable,
}

impl OperationFailureCode {
    /// Its name on the wire: `NOT_FOUND`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            OperationFailureCode::NotFound => "NOT_FOUND",
            OperationFailureCode::NotPermitted => "NOT_PERMITTED",
            OperationFailureCode::Unauthenticated => "UNAUTHENTICATED",
            OperationFailureCode::InvalidInput => "INVALID_INPUT",
            OperationFailureCode::NotSupported => "NOT_SUPPORTED",
            OperationFailureCode::Conflict => "CONFLICT",
            OperationFailureCode::Unavailable => "UNAVAILABLE",
        }
    }
}

/// One thing that is wrong with the input.
#[derive(SimpleObject, Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// Where: a JSON pointer into the arguments, as in `/input/postcode`.
    pub path: String,
    /// What is wrong there, and what to write instead.
    pub message: String,
    /// The line, counted from 1, where the field holds a text of several lines.
    pub line: Option<u32>,
    /// The column, counted from 1, in that line.
    pub column: Option<u32>,
}

impl Problem {
    /// A problem of a whole field.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { path: path.into(), message: message.into(), line: None, column: None }
    }
}

/// Why an operation gave nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationFailure {
    /// What happened.
    pub failure: Failure,
    /// What is wrong with the input, place by place.
    pub problems: Vec<Problem>,
}

impl OperationFailure {
    /// The input is wrong in these places.
    #[must_use]
    pub fn invalid(problems: Vec<Problem>) -> OperationFailure {
        OperationFailure { failure: Failure::InvalidInput, problems }
    }
}

/// A union of what was asked for and why there is none, as in `GetUserResult(UserObject)`.
#[macro_export]
macro_rules! result_union {
    ($(#[$doc:meta])* $name:ident($object:ty)) => {
        $(#[$doc])*
        #[derive(async_graphql::Union)]
        #[allow(clippy::large_enum_variant)]
        pub enum $name {
            /// What was asked for.
            Found($object),
            /// Why there is none.
            Failed($crate::OperationFailure),
        }

        impl<F: Into<$crate::OperationFailure>> From<Result<$object, F>> for $name {
            fn from(result: Result<$object, F>) -> $name {
                match result {
                    Ok(object) => $name::Found(object),
                    Err(failure) => $name::Failed(failure.into()),
                }
            }
        }
    };
}

impl From<Failure> for OperationFailure {
    fn from(failure: Failure) -> OperationFailure {
        OperationFailure { failure, problems: Vec::new() }
    }
}

/// For logs and the command line: the English text, then each problem.
impl fmt::Display for OperationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failure.text(Locale::EnGb))?;
        for Problem { path, message, .. } in &self.problems {
            write!(f, " {path}: {message}.")?;
        }
        Ok(())
    }
}

impl std::error::Error for OperationFailure {}

/// Why an operation gave nothing: a kind for programs, a text for people, and what is wrong with
/// the input.
#[Object]
impl OperationFailure {
    /// What kind of failure it is.
    async fn code(&self) -> OperationFailureCode {
        self.failure.code()
    }

    /// What happened and what to do about it, in the language asked for.
    async fn description(
        &self,
        #[graphql(desc = "The language.", default)] locale: Locale,
    ) -> String {
        self.failure.text(locale)
    }

    /// What is wrong with the input, place by place; empty where the input is not to blame.
    async fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
