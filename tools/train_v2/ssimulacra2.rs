//! SSIMULACRA 2 of pairs of pictures, one score a line: `ssimulacra2 ORIGINAL SHOWN [ORIGINAL SHOWN …]`.
//! For the gates of training, which run in Python, where no maintained implementation exists.

use promptus::quality::ssimulacra2;
use promptus::source::read_image;
use std::env::args_os;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<PathBuf> = args_os().skip(1).map(PathBuf::from).collect();
    let pairs = files.chunks_exact(2);
    if files.is_empty() || !pairs.remainder().is_empty() {
        return Err("expected an even number of pictures: ORIGINAL SHOWN …".into());
    }
    for pair in pairs {
        let [original, shown] = [read_image(&pair[0])?, read_image(&pair[1])?];
        println!("{:.3}", ssimulacra2(&original, &shown)?);
    }
    Ok(())
}
