//! diffusers' parameter names → those of the original checkpoints.
//!
//! The original code numbers the modules of two long lists (`input_blocks`, `output_blocks`), where
//! diffusers names levels and layers. `tests/data/stable_diffusion_names.tsv` holds every pair for
//! SD-Turbo according to diffusers' own converter.

use crate::model::profile::UNetForm;

/// The name in an original checkpoint of the UNet's parameter that diffusers calls `name`; `None`
/// for other names.
pub fn original_unet(form: &UNetForm, name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let (level, rest) = match parts.as_slice() {
        [at @ ("down_blocks" | "up_blocks"), level, rest @ ..] => {
            ((*at, level.parse::<usize>().ok()?), rest)
        }
        [at @ "mid_block", rest @ ..] => ((*at, 0), rest),
        rest => return Some(format!("model.diffusion_model.{}", outside(rest)?)),
    };
    let (place, rest) = match rest {
        ["resnets", j, layer @ ..] => {
            let place = place(form, level, j.parse().ok()?, 0)?;
            (place, resnet(layer)?)
        }
        ["attentions", j, layer @ ..] => {
            let place = place(form, level, j.parse().ok()?, 1)?;
            (place, layer.join("."))
        }
        ["downsamplers", "0", "conv", leaf] => {
            let number = (level.1 + 1) * (form.layers + 1);
            (format!("input_blocks.{number}.0"), format!("op.{leaf}"))
        }
        ["upsamplers", "0", "conv", leaf] => {
            let number = level.1 * (form.layers + 1) + form.layers;
            let behind = 1 + usize::from(attended(form, level.1));
            let place = format!("output_blocks.{number}.{behind}");
            (place, format!("conv.{leaf}"))
        }
        _ => return None,
    };
    Some(format!("model.diffusion_model.{place}.{rest}"))
}

/// The module of resnet (`kind` 0) or transformer (1) `j` of a level.
fn place(form: &UNetForm, (at, level): (&str, usize), j: usize, kind: usize) -> Option<String> {
    let per_level = form.layers + 1;
    match at {
        "down_blocks" => Some(format!("input_blocks.{}.{kind}", level * per_level + 1 + j)),
        "up_blocks" => Some(format!("output_blocks.{}.{kind}", level * per_level + j)),
        _ => Some(format!("middle_block.{}", 2 * j + kind)),
    }
}

/// Whether level `up` of the way up (coarsest first) has transformers.
fn attended(form: &UNetForm, up: usize) -> bool {
    let level = form.widths.len().checked_sub(up + 1);
    level.is_some_and(|level| form.heads(level) > 0)
}

/// The layers outside the blocks.
fn outside(parts: &[&str]) -> Option<String> {
    let (layer, leaf) = match parts {
        ["conv_in", leaf] => ("input_blocks.0.0", leaf),
        ["time_embedding", "linear_1", leaf] => ("time_embed.0", leaf),
        ["time_embedding", "linear_2", leaf] => ("time_embed.2", leaf),
        ["conv_norm_out", leaf] => ("out.0", leaf),
        ["conv_out", leaf] => ("out.2", leaf),
        _ => return None,
    };
    Some(format!("{layer}.{leaf}"))
}

fn resnet(parts: &[&str]) -> Option<String> {
    let (layer, leaf) = match parts {
        ["norm1", leaf] => ("in_layers.0", leaf),
        ["conv1", leaf] => ("in_layers.2", leaf),
        ["time_emb_proj", leaf] => ("emb_layers.1", leaf),
        ["norm2", leaf] => ("out_layers.0", leaf),
        ["conv2", leaf] => ("out_layers.3", leaf),
        ["conv_shortcut", leaf] => ("skip_connection", leaf),
        _ => return None,
    };
    Some(format!("{layer}.{leaf}"))
}

/// The name in an original checkpoint of the autoencoder's parameter that diffusers calls `name`,
/// for an autoencoder of `levels` levels; `None` for other names.
pub fn original_vae(levels: usize, name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let inner = match parts.as_slice() {
        [layer @ ("quant_conv" | "post_quant_conv"), leaf] => format!("{layer}.{leaf}"),
        [half, layer @ ("conv_in" | "conv_out"), leaf] => format!("{half}.{layer}.{leaf}"),
        [half, "conv_norm_out", leaf] => format!("{half}.norm_out.{leaf}"),
        [half, "mid_block", "resnets", j, layer, leaf] => {
            let number = 1 + j.parse::<usize>().ok()?;
            format!("{half}.mid.block_{number}.{layer}.{leaf}")
        }
        [half, "mid_block", "attentions", "0", layer @ .., leaf] => {
            format!("{half}.mid.attn_1.{}.{leaf}", vae_attention(layer)?)
        }
        [half, way @ ("down_blocks" | "up_blocks"), level, rest @ ..] => {
            let level = level.parse().ok()?;
            let (way, level) = match *way {
                "down_blocks" => ("down", level),
                _ => ("up", levels.checked_sub(1 + level)?),
            };
            let layer = match rest {
                ["resnets", j, "conv_shortcut", leaf] => format!("block.{j}.nin_shortcut.{leaf}"),
                ["resnets", j, layer, leaf] => format!("block.{j}.{layer}.{leaf}"),
                ["downsamplers" | "upsamplers", "0", "conv", leaf] => {
                    format!("{way}sample.conv.{leaf}")
                }
                _ => return None,
            };
            format!("{half}.{way}.{level}.{layer}")
        }
        _ => return None,
    };
    Some(format!("first_stage_model.{inner}"))
}

fn vae_attention(layer: &[&str]) -> Option<&'static str> {
    match layer {
        ["group_norm"] => Some("norm"),
        ["to_q"] => Some("q"),
        ["to_k"] => Some("k"),
        ["to_v"] => Some("v"),
        ["to_out", "0"] => Some("proj_out"),
        _ => None,
    }
}

/// The name in older diffusers files of a parameter of the autoencoder's attention; `None` for
/// other parameters.
pub(super) fn old_vae_attention(name: &str) -> Option<String> {
    let pairs = [
        (".to_q.", ".query."),
        (".to_k.", ".key."),
        (".to_v.", ".value."),
        (".to_out.0.", ".proj_attn."),
    ];
    let (new, old) = pairs.into_iter().find(|(new, _)| name.contains(new))?;
    Some(name.replace(new, old))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{old_vae_attention, original_unet, original_vae};
    use crate::model::Profile;

    #[test]
    fn unknown_names_have_no_original() {
        let form = Profile::sd_turbo().unet;
        for name in [
            "",
            "conv_in",
            "down_blocks.x.resnets.0.conv1.weight",
            "down_blocks.0.resnets.0.conv9.weight",
            "add_embedding.linear_1.weight",
        ] {
            assert_eq!(original_unet(&form, name), None, "{name}");
            assert_eq!(original_vae(4, name), None, "{name}");
        }
        assert_eq!(
            original_vae(4, "decoder.up_blocks.4.resnets.0.conv1.bias"),
            None
        );
    }

    #[test]
    fn old_attention_names_are_known() {
        let name = "encoder.mid_block.attentions.0.to_out.0.weight";
        let old = old_vae_attention(name).unwrap();
        assert_eq!(old, "encoder.mid_block.attentions.0.proj_attn.weight");
        assert_eq!(old_vae_attention("quant_conv.bias"), None);
    }
}
