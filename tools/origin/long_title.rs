//! Repeats a short title to a given length: input for measurements of servers, players and caches with
//! titles of hours. Quality is left out, as nothing new is measured.
//!
//! ```sh
//! cargo run --release --no-default-features --example long_title -- manifests/demo titles/long 7200
//! ```

use promptus::package::{KEEP_OLD, Title, TitleContent, publish};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, seconds] = arguments.as_slice() else {
        return Err("usage: long_title TITLE NEW_TITLE SECONDS".into());
    };
    let title = Title::open(Path::new(source))?;
    let duration = title.presentation().duration.seconds();
    let mut content = TitleContent {
        quality: None,
        ..title.content()?
    };
    let times = (seconds.parse::<f64>()? / duration).ceil().max(1.0) as usize;
    for rung in &mut content.rungs {
        let count = rung.segments.len() * times;
        let again = rung.segments.iter().cycle().take(count);
        rung.segments = again.cloned().collect();
    }
    publish(Path::new(target), &content.build()?, KEEP_OLD)?;
    println!("{target}: {times} times {duration} s");
    Ok(())
}
