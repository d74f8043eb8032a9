//! Reports as lines for people.

use super::{CoderReport, FitReport, RenderReport};
use std::fmt::{Display, Formatter, Result};

impl Display for RenderReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self {
            profile,
            weights,
            size: [width, height],
            device,
            dtype,
            threads,
            frames,
            ..
        } = self;
        let processor = or_unknown(self.processor_ms_per_frame);
        write!(
            f,
            "render    {profile} ({weights} weights) at {width}x{height} on {device}, {dtype}, \
             {threads} threads, {frames} frames\n\
             speed     {:.2} ms a frame, {:.1} a second; processor time {processor} a frame\n\
             latency   {:.1} ms to the first frame\n{}{}",
            self.ms_per_frame,
            self.fps,
            self.first_frame_ms,
            memory(self.peak_memory_bytes),
            share(self.gflop_per_frame, self.gflops, self.peak_gflops, "frame"),
        )?;
        for variant in &self.variants {
            let (ms, ratio, name) = (variant.ms, variant.ratio, variant.name);
            writeln!(f, "variant   {ms:.2} ms a frame, {ratio:.2} times as long: {name}")?;
        }
        Ok(())
    }
}

impl Display for FitReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let [width, height] = self.size;
        let (profile, threads) = (self.profile, self.threads);
        write!(
            f,
            "fit       {profile} at {width}x{height} on cpu, {threads} threads, one frame\n\
             speed     {:.2} ms a step (forward alone {:.2}), processor time {}; \
             {:.2} ms with steps side by side\n\
             gradients {} (that of the prompts)\n{}{}",
            self.step_ms,
            self.forward_ms,
            or_unknown(self.processor_ms),
            self.side_by_side_ms,
            self.gradients,
            memory(self.peak_memory_bytes),
            share(self.gflop, self.gflops, self.peak_gflops, "step"),
        )
    }
}

impl Display for CoderReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let ([width, height], keyframes) = (self.size, self.keyframes);
        writeln!(
            f,
            "coder     {width}x{height}, invented prompts, per keyframe of {keyframes}: \
             encode {:.2} ms",
            self.encode_ms
        )?;
        for rung in &self.rungs {
            writeln!(
                f,
                "r={:<2}      decode {:.3} ms, {:.0} bytes; the reference's 8-bit payload \
                 {:.3} ms, {:.0} bytes",
                rung.rank, rung.decode_ms, rung.bytes, rung.reference_decode_ms, rung.reference_bytes
            )?;
        }
        Ok(())
    }
}

fn or_unknown(ms: Option<f64>) -> String {
    ms.map_or("unknown".to_owned(), |ms| format!("{ms:.2} ms"))
}

fn memory(bytes: Option<u64>) -> String {
    bytes.map_or_else(String::new, |bytes| {
        format!("memory    {:.0} MB at most\n", bytes as f64 / 1e6)
    })
}

fn share(gflop: f64, gflops: f64, peak: f64, unit: &str) -> String {
    let percent = 100.0 * gflops / peak;
    format!(
        "share     {percent:.0} % of the matrix peak: {gflop:.3} GFLOP a {unit}, \
         {gflops:.0} GFLOP/s of {peak:.0}\n"
    )
}
