//! Two clocks, told apart by their types.
//!
//! What must be right (due times, deadlines, leases) lives on [`Elapsed`], which no one can set.
//! What people see (headers, dates in answers) lives on [`Wall`], which jumps when an administrator
//! or a time server says so.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Milliseconds in a second.
pub const SECOND_MS: u64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: u64 = 60 * SECOND_MS;
/// Milliseconds in an hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Milliseconds in a day.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// Milliseconds of running time of this installation: grows while the machine is up (also asleep),
/// never goes back.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Elapsed(pub u64);

impl Elapsed {
    /// This moment and `ms` milliseconds; stays at the end of time rather than wrap.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Elapsed {
        Elapsed(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`; 0 when `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Elapsed) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Milliseconds since 1970-01-01 UTC, as the machine's clock says.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Wall(pub i64);

impl Wall {
    /// Whole Unix seconds, as the Standard Webhooks header wants them.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// ISO 8601 in UTC with milliseconds: `2021-02-17T08:48:47.284Z`.
    #[must_use]
    pub fn iso(self) -> String {
        DateTime::<Utc>::from_timestamp_millis(self.0)
            .unwrap_or(DateTime::<Utc>::MIN_UTC)
            .to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// Reads an ISO 8601 date and time with an offset or `Z`. Years 1 to 9999.
    ///
    /// # Errors
    /// [`WallError`] with the text, when it is not such a date.
    pub fn parse(text: &str) -> Result<Wall, WallError> {
        let refused = || WallError { text: text.chars().take(64).collect() };
        let date = DateTime::parse_from_rfc3339(text).map_err(|_| refused())?;
        let utc = date.with_timezone(&Utc);
        let year = chrono::Datelike::year(&utc);
        if !(1..=9999).contains(&year) {
            return Err(refused());
        }
        Ok(Wall(utc.timestamp_millis()))
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

/// A text that is not a date and time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{text}` is not a date and time: write it as 2021-02-17T08:48:47.284Z")]
pub struct WallError {
    /// What was given, cut to 64 characters.
    pub text: String,
}

/// One reading of both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// What people see.
    pub wall: Wall,
    /// What decisions are made on.
    pub elapsed: Elapsed,
}

impl Now {
    /// What both clocks will read `ms` milliseconds later, if nobody sets the wall clock.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Now {
        let wall = Wall(self.wall.0.saturating_add_unsigned(ms));
        Now { wall, elapsed: self.elapsed.plus_ms(ms) }
    }
}

/// What is kept in the database so that [`Elapsed`] goes on after a restart.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClockMark {
    /// The elapsed time when the mark was made.
    pub elapsed: Elapsed,
    /// The wall clock then.
    pub wall: Wall,
    /// Milliseconds since the machine was started, then.
    pub boot_ms: u64,
    /// Which start of the machine `boot_ms` counts from.
    pub boot_id: String,
}

/// Where elapsed time stands at a start of the program: exact within one start of the machine;
/// across a restart of the machine it advances by the wall clock's difference, never backwards.
#[must_use]
pub fn resume_elapsed(
    mark: Option<&ClockMark>,
    wall: Wall,
    boot_ms: u64,
    boot_id: &str,
) -> Elapsed {
    let Some(mark) = mark else { return Elapsed(0) };
    let advanced_ms = if mark.boot_id == boot_id {
        boot_ms.saturating_sub(mark.boot_ms)
    } else {
        u64::try_from(wall.0.saturating_sub(mark.wall.0)).unwrap_or(0)
    };
    mark.elapsed.plus_ms(advanced_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_and_read_with_milliseconds() {
        let wall = Wall::parse("2021-02-17T08:48:47.284Z").unwrap();
        assert_eq!(wall.iso(), "2021-02-17T08:48:47.284Z");
        assert_eq!(wall.unix_seconds(), 1_613_551_727);
        assert_eq!(Wall::parse("2021-02-17T09:48:47.284+01:00").unwrap(), wall);
    }

    #[test]
    fn what_is_no_date_is_refused_with_the_text() {
        for text in ["", "yesterday", "2021-02-30T00:00:00Z", "2021-02-17", "1613551727"] {
            assert_eq!(Wall::parse(text), Err(WallError { text: text.to_owned() }));
        }
    }

    #[test]
    fn elapsed_goes_on_exactly_within_a_start_of_the_machine_whatever_the_wall_says() {
        let mark = ClockMark {
            elapsed: Elapsed(1_000),
            wall: Wall(5_000_000),
            boot_ms: 70,
            boot_id: "a".to_owned(),
        };
        assert_eq!(resume_elapsed(Some(&mark), Wall(0), 100, "a"), Elapsed(1_030));
        assert_eq!(resume_elapsed(Some(&mark), Wall(5_000_500), 3, "b"), Elapsed(1_500));
        assert_eq!(resume_elapsed(Some(&mark), Wall(0), 3, "b"), Elapsed(1_000));
        assert_eq!(resume_elapsed(None, Wall(9), 3, "b"), Elapsed(0));
    }
}
