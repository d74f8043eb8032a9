//! The `ffmpeg` program as encoder, decoder and judge: `$PROMPTUS_FFMPEG`, or the one on `PATH`.

use crate::evaluate::EvaluateError;
use crate::evaluate::spool::Spool;
use crate::time::FrameRate;
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

/// Flags of ffmpeg's scaler, for enlarging and reducing.
pub(super) const SCALER: &str = "flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp";

/// An ffmpeg that runs.
#[derive(Debug, Clone)]
pub struct Ffmpeg {
    program: OsString,
    version: String,
    encoders: String,
    /// Whether VMAF is computed; true at first where this ffmpeg can.
    pub vmaf: bool,
}

impl Ffmpeg {
    /// The program and its abilities; `None` where it is not installed.
    pub fn find() -> Option<Self> {
        let named = std::env::var_os("PROMPTUS_FFMPEG").filter(|name| !name.is_empty());
        let program = named.unwrap_or_else(|| "ffmpeg".into());
        let ask = |question: &str| {
            let mut command = Command::new(&program);
            let output = command.args(["-hide_banner", question]).output().ok()?;
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let version = ask("-version")?.lines().next()?.to_owned();
        Some(Self {
            encoders: ask("-encoders")?,
            vmaf: ask("-filters")?.contains(" libvmaf "),
            version,
            program,
        })
    }

    /// The first line of `ffmpeg -version`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it has the encoder `name`, such as `libx265`.
    pub(super) fn has_encoder(&self, name: &str) -> bool {
        self.encoders.contains(&format!(" {name} "))
    }

    /// Runs it in `folder`. Fails with the last line that it printed.
    pub(super) fn run(&self, folder: &Path, arguments: &[String]) -> Result<(), EvaluateError> {
        let output = self.command(folder, arguments).output();
        let output = output.map_err(EvaluateError::io(&self.program))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim_end().lines().next_back().unwrap_or("no reason");
        Err(EvaluateError::Finding(format!("ffmpeg: {last}")))
    }

    /// Calls `each` with every picture of `bytes` bytes that it writes to its output, in order.
    pub(super) fn pictures(
        &self,
        arguments: &[String],
        bytes: usize,
        each: &mut dyn FnMut(Vec<u8>) -> Result<(), EvaluateError>,
    ) -> Result<(), EvaluateError> {
        let io = || EvaluateError::io(&self.program);
        let mut command = self.command(Path::new("."), arguments);
        let mut child = command.stderr(Stdio::null()).spawn().map_err(io())?;
        let mut result = Ok(());
        if let Some(mut pipe) = child.stdout.take() {
            while result.is_ok() {
                let mut data = Vec::with_capacity(bytes);
                let read = (&mut pipe).take(bytes as u64).read_to_end(&mut data);
                result = match read.map_err(io()) {
                    Ok(read) if read < bytes => break,
                    Ok(_) => each(data),
                    Err(error) => Err(error),
                };
            }
        }
        // The pipe is closed, so it ends by itself if it has not done so.
        let status = child.wait().map_err(io())?;
        result?;
        if status.success() {
            return Ok(());
        }
        let reason = "ffmpeg: cannot decode a video that it encoded";
        Err(EvaluateError::Finding(reason.to_owned()))
    }

    fn command(&self, folder: &Path, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["-hide_banner", "-v", "error", "-nostdin", "-y"])
            .args(arguments)
            .current_dir(folder)
            // SVT-AV1 logs to stderr whatever ffmpeg's log level is.
            .env("SVT_LOG", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    /// VMAF v0.6.1 of `shown`, the mean over its frames; `None` where it cannot be computed, such as
    /// for very small pictures. The model is for 1080 lines seen from three heights, so its values
    /// only order pictures of other sizes.
    pub fn vmaf(&self, originals: &Spool, shown: &Spool) -> Result<Option<f64>, EvaluateError> {
        if !self.vmaf || originals.frames() != shown.frames() {
            return Ok(None);
        }
        let folder = tempfile::tempdir().map_err(EvaluateError::io(std::env::temp_dir()))?;
        let graph = "[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];\
                     [a][b]libvmaf=log_fmt=json:log_path=vmaf.json:n_threads=1";
        let inputs = [shown, originals].into_iter();
        let inputs = inputs.flat_map(|s| raw_input(s.path(), "rgb24", s.size(), s.rate()));
        let mut arguments: Vec<String> = inputs.collect();
        arguments.extend(words(&format!("-lavfi {graph} -f null -")));
        if self.run(folder.path(), &arguments).is_err() {
            return Ok(None);
        }
        let path = folder.path().join("vmaf.json");
        let log = std::fs::read(&path).map_err(EvaluateError::io(path))?;
        let log: serde_json::Value = serde_json::from_slice(&log)?;
        Ok(log["pooled_metrics"]["vmaf"]["mean"].as_f64())
    }
}

/// Arguments that name a raw file as input.
pub(super) fn raw_input(
    path: &Path,
    format: &str,
    (width, height): (u32, u32),
    rate: FrameRate,
) -> Vec<String> {
    let mut arguments = words(&format!(
        "-f rawvideo -pix_fmt {format} -video_size {width}x{height} -framerate {rate} -i"
    ));
    arguments.push(path.to_string_lossy().into_owned());
    arguments
}

/// Arguments that decode `video` through `filter` to raw pictures of `format` on the output.
pub(super) fn decode(video: &Path, filter: &str, format: &str) -> Vec<String> {
    let mut arguments = vec!["-i".to_owned(), video.to_string_lossy().into_owned()];
    arguments.extend(words(&format!(
        "-map 0:v:0 -vf {filter} -fps_mode passthrough -f rawvideo -pix_fmt {format} -"
    )));
    arguments
}

/// The words of `line`, which must hold no path: a path may contain spaces.
pub(super) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
