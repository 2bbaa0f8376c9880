//! Commits that fail, told so that somebody at night can read it: a full disk fails twenty times a
//! second. The first is told, the second, the fourth, the eighth and so on, and the end.

/// The commits that failed since one went through.
#[derive(Debug, Default)]
pub(crate) struct Setbacks {
    commits: u64,
    cause: String,
}

impl Setbacks {
    /// A commit failed. Gives which one it is in the row, if it is to be told.
    pub(crate) fn failed(&mut self, cause: &str) -> Option<u64> {
        if self.cause != cause {
            *self = Setbacks { commits: 0, cause: cause.to_owned() };
        }
        self.commits += 1;
        self.commits.is_power_of_two().then_some(self.commits)
    }

    /// A commit went through. Gives how many failed before it, if that is to be told.
    pub(crate) fn ended(&mut self) -> Option<u64> {
        let commits = std::mem::take(&mut self.commits);
        (commits > 1).then_some(commits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_told_more_and_more_seldom_and_when_it_is_over() {
        let mut setbacks = Setbacks::default();
        assert_eq!(setbacks.ended(), None);
        let told = (0..1_000).filter_map(|_| setbacks.failed("full")).collect::<Vec<_>>();
        assert_eq!(told, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
        assert_eq!(setbacks.failed("another cause"), Some(1));
        assert_eq!(setbacks.failed("another cause"), Some(2));
        assert_eq!(setbacks.ended(), Some(2));
        assert_eq!(setbacks.ended(), None);
    }

    #[test]
    fn what_fails_once_has_no_end_to_tell() {
        let mut setbacks = Setbacks::default();
        assert_eq!(setbacks.failed("defect"), Some(1));
        assert_eq!(setbacks.ended(), None);
        assert_eq!(setbacks.failed("defect"), Some(1));
    }
}
