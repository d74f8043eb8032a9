//! The origin inside a program of your own: serves the folder of titles that is named first at the
//! address that is named second.
//!
//! ```sh
//! cargo run --release --no-default-features --features net --example embedded -- manifests 127.0.0.1:8080
//! ```

use promptus::origin::{Origin, Settings, serve};
use std::error::Error;
use std::path::Path;
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(titles), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("usage: embedded TITLES ADDRESS".into());
    };
    let origin = Origin::local(Path::new(&titles), Settings::default())?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        serve(listener, origin, std::future::pending()).await?;
        Ok(())
    })
}
