//! Memory of a job, and so the number of its workers.
//!
//! Resident are the frames of a segment and of the look ahead as bytes, and for each worker the
//! network's layers with their gradients, or a frame's measurement, whichever is larger. The
//! constants were measured with `/usr/bin/time -v` at 256×256 and 1920×1080.

use super::TranscodeError;

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
    /// Width and height of what is generated.
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
        let wanted = asked.unwrap_or(usual).max(1);
        let workers = match asked {
            Some(asked) => asked,
            None => (1..=wanted as u64).rev().find(fits).unwrap_or(1) as usize,
        };
        let bytes = self.bytes(workers as u64);
        if bytes > free {
            return Err(TranscodeError::Memory {
                coded: self.coded,
                workers,
                needed: bytes,
                free,
            });
        }
        Ok(Memory {
            workers,
            bytes,
            idle: wanted - workers,
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
            let small = SMALL.plan(None, cores, None).unwrap();
            assert!(small.bytes < 1_000_000_000, "{small:?}");
            let large = FULL_HD.plan(None, cores, None).unwrap();
            assert!(large.bytes < 3_000_000_000, "{large:?}");
            assert!(large.workers <= cores);
        }
        assert!(SMALL.plan(None, 2, None).unwrap().workers == 2);
    }

    #[test]
    fn requested_workers_exceed_the_budget_but_not_the_machine() {
        let asked = FULL_HD.plan(Some(8), 2, Some(64 << 30)).unwrap();
        assert_eq!((asked.workers, asked.idle), (8, 0));
        let error = FULL_HD.plan(Some(8), 2, Some(4 << 30)).unwrap_err();
        assert!(error.to_string().contains("fewer --workers"));
        let error = FULL_HD
            .plan(None, 2, Some(1 << 30))
            .unwrap_err()
            .to_string();
        assert!(error.contains("1920x1088 with 1 workers takes"), "{error}");
        assert!(error.contains("has 1.1 GB left") && error.contains("--size"));
    }
}
