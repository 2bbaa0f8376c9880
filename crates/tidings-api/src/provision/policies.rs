//! The parts of a webhook that say how it is sent: timeouts, retries, and rules for errors.

use async_graphql::MaybeUndefined;
use tidings_core::{
    limits::{
        ATTEMPT_TIMEOUT_MS, ATTEMPT_TIMEOUT_MS_MIN, ERROR_RULES_MAX, HORIZON_MS,
        RETRY_DELAY_MS_MAX, RETRY_DELAYS_MAX,
    },
    retry::RetryPolicy,
    time::SECOND_MS,
    webhook::{ErrorRule, PayloadMode, Success},
};

use super::Work;
use crate::webhook_input::{self, ErrorRuleInput, RetryInput};

/// The longest code of an error that a rule can name.
const ERROR_CODE_CHARACTERS_MAX: usize = 128;

impl Work<'_> {
    pub(super) fn policies(
        &mut self,
        timeout_ms: MaybeUndefined<i32>,
        success: MaybeUndefined<webhook_input::Success>,
        payload: MaybeUndefined<webhook_input::PayloadMode>,
    ) {
        match timeout_ms {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.webhook.timeout_ms = ATTEMPT_TIMEOUT_MS,
            MaybeUndefined::Value(given) => {
                let bounds = ATTEMPT_TIMEOUT_MS_MIN..=ATTEMPT_TIMEOUT_MS;
                match u32::try_from(given).ok().filter(|ms| bounds.contains(ms)) {
                    Some(ms) => self.webhook.timeout_ms = ms,
                    None => self.fault(
                        "/input/timeoutMs",
                        format!(
                            "{given} ms is out of bounds: write {ATTEMPT_TIMEOUT_MS_MIN} to \
                             {ATTEMPT_TIMEOUT_MS}"
                        ),
                    ),
                }
            }
        }
        if !success.is_undefined() {
            self.webhook.success = success.take().map_or(Success::Only200, Into::into);
        }
        if !payload.is_undefined() {
            self.webhook.payload = payload.take().map_or(PayloadMode::Frozen, Into::into);
        }
    }

    pub(super) fn retry(&mut self, retry: MaybeUndefined<RetryInput>) {
        let input = match retry {
            MaybeUndefined::Undefined => return,
            MaybeUndefined::Null => {
                self.webhook.retry = RetryPolicy::standard();
                return;
            }
            MaybeUndefined::Value(input) => input,
        };
        let mut policy = RetryPolicy::standard();
        if let Some(delays_s) = input.delays_s {
            if delays_s.is_empty() || delays_s.len() > RETRY_DELAYS_MAX {
                let message = format!("write 1 to {RETRY_DELAYS_MAX} delays, or leave them out");
                self.fault("/input/retry/delaysS", message);
            } else {
                policy.delays_ms = delays_s
                    .iter()
                    .enumerate()
                    .map(|(index, seconds)| self.delay_ms(index, *seconds))
                    .collect();
            }
        }
        if let Some(given) = input.horizon_s {
            let max_s = HORIZON_MS / SECOND_MS;
            match u64::try_from(given).ok().filter(|seconds| *seconds <= max_s) {
                Some(seconds) => policy.horizon_ms = seconds * SECOND_MS,
                None => self.fault(
                    "/input/retry/horizonS",
                    format!("{given} s is out of bounds: write 0 (one attempt) to {max_s} (72 h)"),
                ),
            }
        }
        self.webhook.retry = policy;
    }

    fn delay_ms(&mut self, index: usize, given: i32) -> u64 {
        let max_s = RETRY_DELAY_MS_MAX / SECOND_MS;
        match u64::try_from(given).ok().filter(|seconds| (1..=max_s).contains(seconds)) {
            Some(seconds) => seconds * SECOND_MS,
            None => {
                let path = format!("/input/retry/delaysS/{index}");
                self.fault(&path, format!("{given} s is out of bounds: write 1 to {max_s}"));
                SECOND_MS
            }
        }
    }

    pub(super) fn errors(&mut self, errors: MaybeUndefined<Vec<ErrorRuleInput>>) {
        if errors.is_undefined() {
            return;
        }
        let inputs = errors.take().unwrap_or_default();
        if inputs.len() > ERROR_RULES_MAX {
            let message = format!("{} rules are too many: at most {ERROR_RULES_MAX}", inputs.len());
            self.fault("/input/errors", message);
            return;
        }
        let mut rules: Vec<ErrorRule> = Vec::new();
        for (index, input) in inputs.into_iter().enumerate() {
            let path = format!("/input/errors/{index}/code");
            let length = input.code.chars().count();
            if !(1..=ERROR_CODE_CHARACTERS_MAX).contains(&length)
                || input.code.chars().any(char::is_control)
            {
                let max = ERROR_CODE_CHARACTERS_MAX;
                self.fault(&path, format!("a code is 1 to {max} characters, as in NOT_FOUND"));
            } else if rules.iter().any(|rule| rule.code == input.code) {
                self.fault(&path, format!("`{}` has a rule already: keep one", input.code));
            } else {
                rules.push(ErrorRule { code: input.code, action: input.action.into() });
            }
        }
        self.webhook.error_rules = rules;
    }
}
