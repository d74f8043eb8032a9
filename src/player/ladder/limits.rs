//! Durations, rates and sizes beyond which a title is not believed.

use super::LadderError;

/// No segment lasts longer: a day, in seconds. Beyond this and the next two, time would pass in steps
/// too small to see the end of.
pub(crate) const LONGEST_S: f64 = 86_400.0;
/// No rung has a higher rate, kbit/s.
pub(crate) const MOST_KBPS: f64 = 1e9;
/// No segment is larger: 4 GiB.
pub(crate) const LARGEST: u64 = 1 << 32;

/// Refuses a value that is not above 0, or above `most`; `what` names it in the error.
pub(super) fn all_within(
    what: &'static str,
    values: impl Iterator<Item = f64>,
    most: f64,
) -> Result<(), LadderError> {
    for (index, value) in values.enumerate() {
        if !(value.is_finite() && value > 0.0) {
            return Err(LadderError::NotPositive { what, index, value });
        }
        if value > most {
            return Err(LadderError::TooLarge {
                what,
                index,
                most,
                value,
            });
        }
    }
    Ok(())
}
