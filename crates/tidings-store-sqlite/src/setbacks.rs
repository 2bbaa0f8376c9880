//! What fails again and again, told so that somebody at night can read it: on a full disk commits
//! fail twenty times a second. Of each cause the first is told, the second, the fourth, the eighth
//! and so on, and the end.

/// How often something failed since it was done last.
#[derive(Debug, Default)]
pub(crate) struct Setbacks {
    all: u64,
    of_cause: u64,
    cause: String,
}

impl Setbacks {
    /// It failed. Gives how often by now, if that is to be told.
    pub(crate) fn failed(&mut self, cause: &str) -> Option<u64> {
        if self.cause != cause {
            cause.clone_into(&mut self.cause);
            self.of_cause = 0;
        }
        self.all += 1;
        self.of_cause += 1;
        self.of_cause.is_power_of_two().then_some(self.all)
    }

    /// It was done. Gives how often it had failed, if that is to be told.
    pub(crate) fn ended(&mut self) -> Option<u64> {
        let all = std::mem::take(self).all;
        (all > 1).then_some(all)
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
        assert_eq!(setbacks.failed("another cause"), Some(1_001));
        assert_eq!(setbacks.failed("another cause"), Some(1_002));
        assert_eq!(setbacks.failed("another cause"), None);
        assert_eq!(setbacks.ended(), Some(1_003));
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
