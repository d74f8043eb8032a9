//! Durations and sizes as people read them.

/// A number of seconds as people read it: `40 s`, `3 min`, `2 h 10 min`.
pub fn duration_text(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match (seconds, minutes / 60, minutes % 60) {
        (..=90.0, ..) => format!("{:.0} s", seconds.max(0.0).ceil()),
        (_, 0, minutes) => format!("{minutes} min"),
        (_, hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// A number of bytes as people read it: `12 kB`, `3.4 MB`, `1.2 GB`.
pub fn bytes_text(bytes: u64) -> String {
    match bytes as f64 {
        bytes @ 1e9.. => format!("{:.1} GB", bytes / 1e9),
        bytes @ 1e6.. => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.0} kB", (bytes / 1e3).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_or_two_units() {
        let cases = [
            (0.0, "0 s"),
            (59.2, "60 s"),
            (200.0, "3 min"),
            (7800.0, "2 h 10 min"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration_text(seconds), text);
        }
    }
}
