//! Checkpoints as users bring them: both layouts, three number formats, and the wrong files.

#![allow(clippy::unwrap_used)]

#[path = "common/small_sd.rs"]
mod small_sd;

use candle_core::{DType, Device, Tensor};
use promptus::model::scope::Scope;
use promptus::model::stable_diffusion::recognise::{Holds, holds};
use promptus::model::stable_diffusion::{StableDiffusion, names};
use promptus::model::synthetic::{Listing, RandomWeights};
use promptus::model::unet::UNet;
use promptus::model::weights::{Checkpoint, Source};
use promptus::model::{Generator, Profile, Vae, taesd};
use small_sd::{SEED, profile, vae_form, values};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

const CPU: Device = Device::Cpu;

type Tensors = HashMap<String, Tensor>;

/// Names and shapes that a network asks for, with random numbers in a number format.
fn tensors(listing: Listing, format: DType) -> Tensors {
    let random = RandomWeights::new(SEED, &CPU);
    let tensor = |name: &str, shape: &[usize]| {
        let tensor = random.tensor(name, shape).unwrap();
        tensor.to_dtype(format).unwrap()
    };
    let asked = listing.into_tensors().into_iter();
    asked
        .map(|(name, shape)| (name.clone(), tensor(&name, &shape)))
        .collect()
}

fn unet_tensors(format: DType) -> Tensors {
    let listing = Listing::default();
    UNet::new(&profile(1).unet, &Scope::root(&listing)).unwrap();
    tensors(listing, format)
}

fn vae_tensors(format: DType) -> Tensors {
    let listing = Listing::default();
    Vae::new(&vae_form(), &listing).unwrap();
    tensors(listing, format)
}

fn save(tensors: &Tensors, path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    candle_core::safetensors::save(tensors, path).unwrap();
}

/// One file, original names; the autoencoder's projections as 1×1 convolutions.
fn original(format: DType) -> Tensors {
    let form = profile(1).unet;
    let unet = unet_tensors(format).into_iter();
    let unet = unet.map(|(name, tensor)| (names::original_unet(&form, &name).unwrap(), tensor));
    let vae = vae_tensors(format).into_iter().map(|(name, tensor)| {
        let projection = name.contains(".to_") && tensor.rank() == 2;
        let tensor = match projection {
            true => tensor.unsqueeze(2).unwrap().unsqueeze(3).unwrap(),
            false => tensor,
        };
        (names::original_vae(4, &name).unwrap(), tensor)
    });
    unet.chain(vae).collect()
}

/// Noise prediction, latent and picture of a checkpoint for fixed inputs.
fn outputs(path: &Path) -> [Vec<f32>; 3] {
    let form = profile(1).unet;
    let file = StableDiffusion::open(path, &CPU).unwrap();
    let unet = UNet::new(&form, &Scope::root(&file.unet(&form)).sub("unet")).unwrap();
    let vae = Vae::new(&vae_form(), &file.vae().unwrap()).unwrap();
    let ramp = |shape: &[usize]| {
        let count = shape.iter().product::<usize>();
        let ramp = Tensor::arange(0, count as u32, &CPU).unwrap();
        let waves = (ramp.to_dtype(DType::F32).unwrap() * 0.37).unwrap().sin();
        waves.unwrap().reshape(shape).unwrap()
    };
    let prompt = ramp(&[1, 77, 1024]);
    let noise = unet.forward(&ramp(&[1, 4, 8, 8]), &prompt).unwrap();
    let latent = vae.encode(&ramp(&[1, 3, 16, 24])).unwrap();
    let picture = vae.decode(&latent).unwrap();
    [noise, latent, picture].map(|tensor| values(&tensor))
}

#[test]
fn both_layouts_give_the_same_bits_in_every_format() {
    for (format, stem) in [
        (DType::F32, "diffusion_pytorch_model"),
        (DType::F16, "diffusion_pytorch_model.fp16"),
        (DType::BF16, "diffusion_pytorch_model.bf16"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        save(&original(format), &at("one/sd_turbo.safetensors"));
        let file = |network: &str| at(&format!("two/{network}/{stem}.safetensors"));
        save(&unet_tensors(format), &file("unet"));
        save(&vae_tensors(format), &file("vae"));
        let one = outputs(&at("one"));
        assert!(one.iter().flatten().all(|value| value.is_finite()));
        assert_eq!(one, outputs(&at("two")), "{format:?}");
        assert_eq!(one, outputs(&at("one/sd_turbo.safetensors")));
        assert_eq!(one, outputs(&file("unet")));
    }
}

#[test]
fn older_attention_names_are_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = |network: &str| {
        let name = format!("{network}/diffusion_pytorch_model.safetensors");
        folder.path().join(name)
    };
    save(&unet_tensors(DType::F32), &file("unet"));
    let new = vae_tensors(DType::F32);
    save(&new, &file("vae"));
    let expected = outputs(folder.path());
    let old = new.into_iter().map(|(name, tensor)| {
        let name = name.replace(".to_q.", ".query.").replace(".to_k.", ".key.");
        let name = name.replace(".to_v.", ".value.");
        (name.replace(".to_out.0.", ".proj_attn."), tensor)
    });
    save(&old.collect(), &file("vae"));
    assert_eq!(outputs(folder.path()), expected);
}

#[test]
fn errors_use_the_tensor_names_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sd_turbo.safetensors");
    let form = profile(1).unet;
    let error_of = |tensors: &Tensors| {
        save(tensors, &path);
        let file = StableDiffusion::open(&path, &CPU).unwrap();
        let unet = UNet::new(&form, &Scope::root(&file.unet(&form)).sub("unet"));
        let vae = Vae::new(&vae_form(), &file.vae().unwrap());
        unet.err().or(vae.err()).unwrap().to_string()
    };
    let named = |name: &str, fault: &str| {
        format!("weights file {}: tensor `{name}` {fault}", path.display())
    };
    let mut tensors = original(DType::F16);
    let name = "first_stage_model.decoder.mid.attn_1.q.weight";
    let kept = tensors.remove(name).unwrap();
    assert_eq!(error_of(&tensors), named(name, "[64, 64] is missing"));
    tensors.insert(name.to_owned(), kept);
    let name = "model.diffusion_model.output_blocks.3.1.proj_in.weight";
    let small = Tensor::zeros((3, 5), DType::F16, &CPU).unwrap();
    tensors.insert(name.to_owned(), small);
    let expected = named(name, "is [3, 5], expected [128, 128]");
    assert_eq!(error_of(&tensors), expected);
}

#[test]
fn checkpoints_of_other_models_are_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let whole = "model.diffusion_model.";
    let block = "transformer_blocks.0.attn2.to_k.weight";
    let first = &format!("{whole}input_blocks.0.0.weight");
    let to_k = &format!("{whole}input_blocks.1.1.{block}");
    let label = &format!("{whole}label_emb.0.0.weight");
    let bare = &format!("down_blocks.0.attentions.0.{block}");
    let joint = &format!("{whole}joint_blocks.0.x.bias");
    let xl = "Stable Diffusion XL,";
    let [plain, more] = [&[8, 4, 3, 3][..], &[8, 9, 3, 3]];
    type Shape<'a> = (&'a str, &'a [usize]);
    let cases: [(&[Shape<'_>], _, _); 7] = [
        (
            &[(first, plain), (to_k, &[8, 768])],
            Holds::StableDiffusion1,
            "Stable Diffusion 1,",
        ),
        (
            &[(first, plain), (label, &[4, 4])],
            Holds::StableDiffusionXl,
            xl,
        ),
        (
            &[(first, more), (to_k, &[8, 1024])],
            Holds::MoreInputs,
            "more inputs",
        ),
        (
            &[("conv_in.weight", plain), (bare, &[8, 2048])],
            Holds::StableDiffusionXl,
            xl,
        ),
        (&[(joint, &[4])], Holds::DiffusionTransformer, "FLUX"),
        (&[("unet.lora_A.weight", &[4])], Holds::Adapter, "adapter"),
        (&[("words.weight", &[4])], Holds::Unknown, "unknown network"),
    ];
    for (tensors, expected, words) in cases {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F16, &CPU).unwrap();
        let tensors = tensors.iter();
        let tensors = tensors.map(|(name, shape)| ((*name).to_owned(), zeros(shape)));
        save(&tensors.collect(), &path);
        assert_eq!(holds(&Checkpoint::read(&path, &CPU).unwrap()), expected);
        refused(&path, &[words, "expected SD-Turbo", "model.safetensors"]);
    }
}

/// Fails unless the file is refused as SD-Turbo with an error of these words.
fn refused(path: &Path, words: &[&str]) {
    let error = StableDiffusion::open(path, &CPU).err().unwrap().to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn mini_and_sd_turbo_are_not_confused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/mini");
    let mini = root.join("generator.safetensors");
    refused(&mini, &["the generator of profile `mini`"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sd_turbo.safetensors");
    save(&original(DType::F16), &path);
    let error = Generator::load(Profile::mini(), &path, &CPU).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("Stable Diffusion 2's structure"), "{error}");
    let file = Checkpoint::read(&mini, &CPU).unwrap();
    let error = taesd::decoder(&file).err().unwrap().to_string();
    assert!(error.contains("`mini`, expected TAESD"), "{error}");
    let encoder = Checkpoint::read(&root.join("encoder.safetensors"), &CPU).unwrap();
    assert_eq!(holds(&encoder), Holds::MiniEncoder);
}
