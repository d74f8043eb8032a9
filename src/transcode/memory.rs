//! Memory of a job, and so the number of its workers.
//!
//! Resident are the frames of a segment and of the look ahead as bytes, and for each worker the
//! network's layers with their gradients, or a frame's measurement, whichever is larger. The
//! constants were measured with `/usr/bin/time -v` at 256×256 and 1920×1080.

use super::TranscodeError;
use super::text::bytes_text;

/// The program, its weights and what the allocator keeps, bytes.
const BASE: u64 = 150 << 20;
/// Of a worker for each pixel that is generated, bytes.
const WORKER: u64 = 600;
/// Of a frame that is held, for each pixel, bytes.
const HELD: u64 = 3;

/// What an encode takes unless the user asks for more workers: 1 GB for small pictures, 2 GB more
/// for those of [`LARGE`] pixels.
const SMALL_BUDGET: u64 = 900_000_000;
const LARGE_BUDGET: u64 = 2_000_000_000;
const LARGE: u64 = 1920 * 1088;

/// Workers of a job, and the memory that they and the frames take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Frames computed in parallel.
    pub workers: usize,
    /// Memory in bytes.
    pub bytes: u64,
    /// Workers that were left out to stay within the budget.
    pub idle: usize,
}

/// Sizes that decide the memory of a job.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// Width and height of the generated pictures.
    pub coded: (u32, u32),
    /// Most frames that are held together.
    pub frames: u64,
}

impl Need {
    fn pixels(self) -> u64 {
        u64::from(self.coded.0) * u64::from(self.coded.1)
    }

    fn bytes(self, workers: u64) -> u64 {
        BASE + self.pixels() * (HELD * self.frames + WORKER * workers)
    }

    /// As many of `usual` workers as the budget allows, or as many as were `asked` for.
    ///
    /// Fails if the machine, which has `free` bytes where that is known, has too little memory.
    pub fn plan(
        self,
        asked: Option<usize>,
        usual: usize,
        free: Option<u64>,
    ) -> Result<Memory, TranscodeError> {
        let free = free.unwrap_or(u64::MAX);
        let budget = SMALL_BUDGET + LARGE_BUDGET * self.pixels() / LARGE;
        let fits = |workers: &u64| self.bytes(*workers) <= budget.min(free);
        let fitting = (1..=usual.max(1) as u64).rev().find(fits).unwrap_or(1);
        let workers = asked.unwrap_or(fitting as usize);
        let bytes = self.bytes(workers as u64);
        if bytes > free {
            let (needed, free) = (bytes_text(bytes), bytes_text(free));
            let (width, height) = self.coded;
            let advice = match workers {
                ..=1 => "a smaller --size, or shorter --segment-seconds",
                _ => "fewer --workers",
            };
            return Err(TranscodeError::Setting(format!(
                "{width}x{height} with {workers} workers takes about {needed} of memory, this machine has {free} left: choose {advice}"
            )));
        }
        Ok(Memory {
            workers,
            bytes,
            idle: asked.unwrap_or(usual.max(1)) - workers,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SMALL: Need = Need {
        coded: (368, 256),
        frames: 180,
    };
    const FULL_HD: Need = Need {
        coded: (1920, 1088),
        frames: 90,
    };

    #[test]
    fn the_budget_holds_however_many_cores_there_are() {
        for cores in [1, 2, 16, 128] {
            for (need, most) in [(SMALL, 1_000_000_000), (FULL_HD, 3_000_000_000)] {
                let memory = need.plan(None, cores, None).unwrap();
                assert!(memory.bytes < most, "{memory:?}");
                assert_eq!(memory.workers + memory.idle, cores);
            }
        }
        assert_eq!(SMALL.plan(None, 2, None).unwrap().workers, 2);
    }

    #[test]
    fn requested_workers_exceed_the_budget_but_not_the_machine() {
        let asked = FULL_HD.plan(Some(8), 2, Some(64 << 30)).unwrap();
        assert_eq!((asked.workers, asked.idle), (8, 0));
        let refusal = |asked, free| FULL_HD.plan(asked, 2, Some(free)).unwrap_err().to_string();
        assert!(refusal(Some(8), 4 << 30).contains("fewer --workers"));
        let error = refusal(None, 1 << 30);
        assert!(error.contains("1920x1088 with 1 workers takes"), "{error}");
        assert!(error.contains("has 1.1 GB left") && error.contains("--size"));
    }
}
