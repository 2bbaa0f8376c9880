//! The published schedule, written down a second time: nothing here comes from the engine.

use tidings_core::time::{Elapsed, HOUR_MS, MINUTE_MS, SECOND_MS};

/// 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, 4 h, then every 6 h.
pub const PUBLISHED_MS: [u64; 9] = [
    5 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    6 * HOUR_MS,
];

/// From when to when the attempt after the `number`-th (from 1) may be planned, whose end was at
/// `ended_at`.
#[must_use]
pub fn due_window(delays_ms: &[u64], number: u32, ended_at: Elapsed) -> (Elapsed, Elapsed) {
    let place = usize::try_from(number).unwrap_or(usize::MAX).clamp(1, delays_ms.len().max(1));
    let delay_ms = delays_ms.get(place - 1).copied().unwrap_or(6 * HOUR_MS);
    waited_window(ended_at, delay_ms)
}

/// From when to when something lies that comes `delay_ms` after a moment, give or take a tenth.
#[must_use]
pub fn waited_window(from: Elapsed, delay_ms: u64) -> (Elapsed, Elapsed) {
    let tenth_ms = delay_ms.div_ceil(10);
    (from.plus_ms(delay_ms - tenth_ms), from.plus_ms(delay_ms + tenth_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_are_a_tenth_to_either_side_of_the_published_delays() {
        let check = |number, seconds: (u64, u64)| {
            let window = due_window(&PUBLISHED_MS, number, Elapsed(1_000_000));
            let expected = (1_000 + seconds.0, 1_000 + seconds.1);
            assert_eq!((window.0.0 / 1_000, window.1.0 / 1_000), expected, "after {number}");
        };
        check(2, (27, 33));
        check(3, (108, 132));
        check(6, (3_240, 3_960));
        check(9, (19_440, 23_760));
        check(30, (19_440, 23_760));
    }
}
