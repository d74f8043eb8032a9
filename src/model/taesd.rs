//! The published files of TAESD: numbered layers, renamed to ours.
//!
//! `taesd_encoder` and `taesd_decoder` (Ollin Boer Bohan, MIT) number the modules of a sequence,
//! activations and upsamplings included: in the decoder 0 is the tanh clamp and 2 a ReLU. Latents are
//! Stable Diffusion's, already scaled.

use std::collections::HashMap;
use std::fmt::Display;

use super::ModelError;
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::profile::{DecoderForm, EncoderForm, Stage};
use super::scope::Scope;
use super::stable_diffusion::recognise::{Holds, explain};
use super::weights::{Checkpoint, Derived, Source};

/// Expected content, for error messages.
const EXPECTED: &str = "TAESD (one of its two files)";

/// The decoder in a `taesd_decoder` file.
pub fn decoder(file: &Checkpoint) -> Result<Decoder, ModelError> {
    let form = DecoderForm::taesd();
    let source = renamed(file, decoder_names(&form));
    let channels = EncoderForm::taesd().outputs;
    Decoder::new(&form, channels, &Scope::root(&source))
        .map_err(|error| explain(error, file, Holds::TinyAutoencoder, EXPECTED))
}

/// The encoder in a `taesd_encoder` file.
pub fn encoder(file: &Checkpoint) -> Result<Encoder, ModelError> {
    let form = EncoderForm::taesd();
    let source = renamed(file, encoder_names(&form));
    Encoder::new(&form, &Scope::root(&source))
        .map_err(|error| explain(error, file, Holds::TinyAutoencoder, EXPECTED))
}

/// The tensors of `file`, whose layers have other names: our name → its name in the file.
fn renamed(file: &Checkpoint, names: HashMap<String, String>) -> impl Source {
    Derived::new(file.device(), move |name, shape| {
        let theirs = name
            .rsplit_once('.')
            .and_then(|(layer, leaf)| Some(format!("{}.{leaf}", names.get(layer)?)));
        file.tensor(theirs.as_deref().unwrap_or(name), shape)
    })
}

fn decoder_names(form: &DecoderForm) -> HashMap<String, String> {
    let mut names = HashMap::from([("conv_in".to_owned(), "1".to_owned())]);
    let mut next = 3;
    for (s, stage) in form.stages.iter().enumerate() {
        let ours = |b| format!("stages.{s}.blocks.{b}");
        next = name_blocks(&mut names, stage, form.convs, next, ours);
        if s + 1 < form.stages.len() {
            names.insert(format!("stages.{s}.up"), (next + 1).to_string());
            next += 2;
        }
    }
    names.insert("conv_out".to_owned(), next.to_string());
    names
}

fn encoder_names(form: &EncoderForm) -> HashMap<String, String> {
    let mut names = HashMap::from([("conv_in".to_owned(), "0".to_owned())]);
    let (mut next, mut block) = (1, 0);
    for (s, stage) in form.stages.iter().enumerate() {
        if s > 0 {
            names.insert(format!("down.{}", s - 1), next.to_string());
            next += 1;
        }
        let ours = |b| format!("blocks.{}", block + b);
        next = name_blocks(&mut names, stage, form.convs, next, ours);
        block += stage.blocks;
    }
    names.insert("conv_out".to_owned(), next.to_string());
    names
}

/// Names the blocks of a stage, which are numbered from `first` in the file and whose
/// convolutions have a ReLU between them; gives the number after the last.
fn name_blocks<N: Display>(
    names: &mut HashMap<String, String>,
    stage: &Stage,
    convs: usize,
    first: usize,
    ours: impl Fn(usize) -> N,
) -> usize {
    for b in 0..stage.blocks {
        for k in 0..convs {
            let theirs = format!("{}.conv.{}", first + b, 2 * k);
            names.insert(format!("{}.convs.{k}", ours(b)), theirs);
        }
    }
    first + stage.blocks
}

#[cfg(test)]
mod tests {
    use super::{decoder_names, encoder_names};
    use crate::model::profile::{DecoderForm, EncoderForm};

    #[test]
    fn layers_have_their_published_numbers() {
        let decoder = decoder_names(&DecoderForm::taesd());
        let encoder = encoder_names(&EncoderForm::taesd());
        for (names, ours, theirs) in [
            (&decoder, "stages.0.blocks.2.convs.1", "5.conv.2"),
            (&decoder, "stages.0.up", "7"),
            (&decoder, "stages.2.up", "17"),
            (&decoder, "stages.3.blocks.0.convs.0", "18.conv.0"),
            (&decoder, "conv_out", "19"),
            (&encoder, "blocks.0.convs.2", "1.conv.4"),
            (&encoder, "down.0", "2"),
            (&encoder, "blocks.1.convs.0", "3.conv.0"),
            (&encoder, "down.2", "10"),
            (&encoder, "conv_out", "14"),
        ] {
            assert_eq!(names.get(ours).map(String::as_str), Some(theirs), "{ours}");
        }
    }
}
