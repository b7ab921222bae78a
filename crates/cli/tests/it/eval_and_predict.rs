//! `elman eval` and `elman predict` on a run of a small set, and on files that they must refuse.

use std::fs;

use crate::support::*;
use png::{BitDepth, ColorType};
use serde_json::Value;

#[test]
fn eval_repeats_the_runs_test_line() {
    let place = Place::with_set();
    for (flags, out) in [("", "text"), ("--json", "json")] {
        let run = place.elman(&format!("{QUICK} --num-epoch 2 {flags} --out {out}"));
        let last = *run.succeeded().last().unwrap();
        // The run's folder, its path in full, and the model file beside the data's folder.
        for line in [
            format!("eval {out}"),
            format!("eval {out}/"),
            format!("eval {}", place.path(out).display()),
            format!("eval {out}/model.safetensors --data set"),
            format!("eval {out} --data set --quiet"),
        ] {
            let eval = place.elman(&format!("{line} {flags}"));
            assert_eq!(eval.succeeded(), [last], "{line}");
            assert_eq!(eval.stderr, "", "{line}");
        }
    }
}

/// One object for each image.
fn predictions(outcome: &Outcome) -> Vec<Value> {
    outcome.succeeded();
    let objects = objects(&outcome.stdout);
    for object in &objects {
        assert_eq!(object["event"], "prediction");
        let probabilities = probabilities(object);
        assert_eq!(probabilities.len(), CLASSES);
        assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{object}");
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < SUM_ERROR, "{object}");
        let class = object["class"].as_u64().unwrap() as usize;
        assert!(probabilities.iter().all(|&p| p <= probabilities[class]), "{object}");
    }
    objects
}

/// Three numbers of 24 bits, rounded, added up.
const SUM_ERROR: f64 = 1e-6;

fn probabilities(object: &Value) -> Vec<f64> {
    object["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect()
}

#[test]
fn predict_reads_idx_plain_and_gzipped() {
    let place = Place::with_run();
    let file = format!("set/{TEST_IMAGES}");
    place.write("zipped", &gzip(&place.bytes(&file)));
    let plain = predictions(&place.elman(&format!("predict run {file} --json")));
    let zipped = predictions(&place.elman("predict run zipped --json"));
    assert_eq!(plain.len(), TEST);
    for (index, (plain, zipped)) in plain.iter().zip(&zipped).enumerate() {
        assert_eq!((&plain["index"], &plain["file"]), (&index.into(), &file.as_str().into()));
        assert_eq!(plain["probabilities"], zipped["probabilities"]);
    }
    // As many are right as eval counts.
    let right = plain.iter().zip(labels(TEST)).filter(|(found, label)| found["class"] == *label).count();
    let eval = place.elman("eval run --json");
    assert_eq!(objects(&eval.stdout)[0]["correct"], right);
    assert!(right > TEST * 2 / 3, "it did not learn");
}

#[test]
fn predict_as_text() {
    let place = Place::with_run();
    place.write("one", &idx(&[1, SIDE, SIDE], &image(1)));
    place.write("two", &idx(&[2, SIDE, SIDE], &[image(0), image(2)].concat()));
    let outcome = place.elman("predict run one two");
    let lines = outcome.succeeded();
    assert_eq!(lines.len(), 3);
    for (line, name) in lines.iter().zip(["one", "two[0]", "two[1]"]) {
        let rest = line.strip_prefix(name).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(form(rest), ": class 9, probability 9.999 [9.999 9.999 9.999]");
    }
    assert_eq!(outcome.stderr, "");
}

/// A PNG of so many pixels from its packed rows.
fn png_file(side: usize, color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side as u32, side as u32);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == ColorType::Indexed {
        // Backwards, so that an index is not its colour.
        encoder.set_palette((0..=255).rev().flat_map(|grey| [grey; 3]).collect::<Vec<u8>>());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn predict_reads_png_of_every_kind() {
    let place = Place::with_run();
    let grey = image(1);
    place.write("image.idx", &idx(&[1, SIDE, SIDE], &grey));
    let expected = predictions(&place.elman("predict run image.idx --json"));
    let each = |pixel: fn(u8) -> Vec<u8>| grey.iter().flat_map(|&x| pixel(x)).collect::<Vec<_>>();
    let files = [
        ("grey", ColorType::Grayscale, BitDepth::Eight, grey.clone()),
        ("grey-16", ColorType::Grayscale, BitDepth::Sixteen, each(|x| vec![x, 0])),
        ("grey-alpha", ColorType::GrayscaleAlpha, BitDepth::Eight, each(|x| vec![x, 255])),
        ("rgb", ColorType::Rgb, BitDepth::Eight, each(|x| vec![x, x, x])),
        ("rgb-16", ColorType::Rgb, BitDepth::Sixteen, each(|x| vec![x, 7, x, 7, x, 7])),
        ("rgba", ColorType::Rgba, BitDepth::Eight, each(|x| vec![x, x, x, 255])),
        // White ink, as strong as it is opaque.
        ("ink", ColorType::Rgba, BitDepth::Eight, each(|x| vec![255, 255, 255, x])),
        ("palette", ColorType::Indexed, BitDepth::Eight, each(|x| vec![255 - x])),
    ];
    for (name, color, depth, data) in files {
        // What a file is called does not matter.
        place.write(name, &png_file(SIDE, color, depth, &data));
        let found = predictions(&place.elman(&format!("predict run {name} --json")));
        assert_eq!(found[0]["probabilities"], expected[0]["probabilities"], "{name}");
        assert_eq!(found[0]["file"], name);
    }

    // Bits and nibbles: black and white, and 16 greys.
    let bits: Vec<u8> = (0..SIDE).map(|row| 0b0001_1100_u8.rotate_left(row as u32)).collect();
    let white = |at: usize| bits[at / SIDE] >> (7 - at % SIDE) & 1 == 1;
    let pixels: Vec<u8> = (0..SIDE * SIDE).map(|at| if white(at) { 255 } else { 0 }).collect();
    let nibbles: Vec<u8> = pixels.chunks(2).map(|two| two[0] & 0xf0 | two[1] & 0x0f).collect();
    place.write("bits.idx", &idx(&[1, SIDE, SIDE], &pixels));
    place.write("bits.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::One, &bits));
    place.write("nibbles.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Four, &nibbles));
    let found = predictions(&place.elman("predict run bits.idx bits.png nibbles.png --json"));
    assert_eq!(found[0]["probabilities"], found[1]["probabilities"]);
    assert_eq!(found[0]["probabilities"], found[2]["probabilities"]);
}

#[test]
fn invert_turns_light_into_dark() {
    let place = Place::with_run();
    let dark: Vec<u8> = image(2).iter().map(|x| 255 - x).collect();
    place.write("light.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &image(2)));
    place.write("dark.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &dark));
    place.write("dark.idx", &idx(&[1, SIDE, SIDE], &dark));
    let light = predictions(&place.elman("predict run light.png --json"));
    for line in ["predict run dark.png --json --invert", "predict run --invert dark.idx --json"] {
        assert_eq!(predictions(&place.elman(line))[0]["probabilities"], light[0]["probabilities"]);
    }
    assert_ne!(predictions(&place.elman("predict run dark.png --json"))[0]["probabilities"], light[0]["probabilities"]);
}

/// A PNG with a chunk that names its background, or another.
fn png_with(color: ColorType, depth: BitDepth, chunk: png::chunk::ChunkType, data: &[u8], pixels: &[u8]) -> Vec<u8> {
    let plain = png_file(SIDE, color, depth, pixels);
    // Behind the header, and the palette where there is one: before the first IDAT.
    let at = plain.windows(4).position(|name| name == b"IDAT").unwrap() - 4;
    let mut body = chunk.0.to_vec();
    body.extend(data);
    let mut crc = flate2::Crc::new();
    crc.update(&body);
    let chunk = [&(data.len() as u32).to_be_bytes()[..], &body, &crc.sum().to_be_bytes()].concat();
    [&plain[..at], &chunk, &plain[at..]].concat()
}

/// Ink may stand in the alpha channel: what is transparent is ground, dark as MNIST's, or light with --invert.
#[test]
fn what_is_transparent_is_the_ground() {
    let place = Place::with_run();
    let ink = image(2);
    let grey: Vec<u8> = ink.iter().map(|x| 255 - x).collect();
    let each = |pixel: fn(u8) -> Vec<u8>| -> Vec<u8> { ink.iter().flat_map(|&x| pixel(x)).collect() };
    place.write("light.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &ink));
    place.write("dark.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &grey));
    let light = predictions(&place.elman("predict run light.png --json"))[0]["probabilities"].clone();
    // Ink by its alpha alone: white for a dark ground, black for a light one; 8 bits and 16, grey and colours.
    let alike: [(&str, ColorType, BitDepth, Vec<u8>, &str); 5] = [
        ("white", ColorType::GrayscaleAlpha, BitDepth::Eight, each(|x| vec![255, x]), ""),
        ("black", ColorType::GrayscaleAlpha, BitDepth::Eight, each(|x| vec![0, x]), "--invert"),
        ("black-rgba", ColorType::Rgba, BitDepth::Eight, each(|x| vec![0, 0, 0, x]), "--invert"),
        ("black-16", ColorType::GrayscaleAlpha, BitDepth::Sixteen, each(|x| vec![0, 0, x, x]), "--invert"),
        ("black-rgba-16", ColorType::Rgba, BitDepth::Sixteen, each(|x| vec![0, 0, 0, 0, 0, 0, x, x]), "--invert"),
    ];
    for (name, color, depth, data, flags) in alike {
        place.write(name, &png_file(SIDE, color, depth, &data));
        let outcome = place.elman(&format!("predict run {name} --json {flags}"));
        assert_eq!(predictions(&outcome)[0]["probabilities"], light, "{name}");
        assert_eq!(outcome.stderr, "", "{name}");
    }
    // A background that the file names is what it is composed over: grey, colours, and 16 bits.
    let black = each(|x| vec![0, x]);
    let named = |chunk: &[u8], color, depth, data: &[u8]| png_with(color, depth, png::chunk::bKGD, chunk, data);
    let files = [
        ("grey", named(&[0, 255], ColorType::GrayscaleAlpha, BitDepth::Eight, &black)),
        ("colour", named(&[0, 255, 0, 255, 0, 255], ColorType::Rgba, BitDepth::Eight, &each(|x| vec![0, 0, 0, x]))),
        ("deep", named(&[255, 255], ColorType::GrayscaleAlpha, BitDepth::Sixteen, &each(|x| vec![0, 0, x, x]))),
    ];
    let dark = predictions(&place.elman("predict run dark.png --json"))[0]["probabilities"].clone();
    for (name, file) in files {
        place.write(name, &file);
        assert_eq!(
            predictions(&place.elman(&format!("predict run {name} --json")))[0]["probabilities"],
            dark,
            "{name}"
        );
        let turned = predictions(&place.elman(&format!("predict run {name} --invert --json")));
        assert_eq!(turned[0]["probabilities"], light, "{name}");
    }
    // A palette's transparent colour: index 0 is white there, and with alpha 0 it is the ground.
    let indexed: Vec<u8> = ink.iter().map(|&x| if x > 127 { 255 } else { 0 }).collect();
    let through = png_with(ColorType::Indexed, BitDepth::Eight, png::chunk::tRNS, &[0], &indexed);
    place.write("palette.png", &through);
    place.write("palette.idx", &idx(&[1, SIDE, SIDE], &indexed));
    let found = predictions(&place.elman("predict run palette.png palette.idx --invert --json"));
    let as_ink = predictions(&place.elman("predict run palette.idx --json"));
    assert_eq!(found[0]["probabilities"], as_ink[0]["probabilities"]);
}

/// The eight by eight pixels of a grey image in the seven passes of Adam7.
fn interlaced(pixels: &[u8]) -> Vec<u8> {
    let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    let mut raw = Vec::new();
    for (x, y, dx, dy) in passes {
        for row in (y..SIDE).step_by(dy) {
            // No filter.
            raw.push(0);
            raw.extend((x..SIDE).step_by(dx).map(|column| pixels[row * SIDE + column]));
        }
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, &raw).unwrap();
    let size = (SIDE as u32).to_be_bytes();
    let head = [&size[..], &size, &[8, 0, 0, 0, 1]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", head), (b"IDAT", packed.finish().unwrap()), (b"IEND", Vec::new())] {
        let body = [&name[..], &data].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&body);
        file.extend([&(data.len() as u32).to_be_bytes()[..], &body, &crc.sum().to_be_bytes()].concat());
    }
    file
}

#[test]
fn an_interlaced_image_is_the_same_image() {
    let place = Place::with_run();
    place.write("plain.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &image(2)));
    place.write("adam7.png", &interlaced(&image(2)));
    let found = predictions(&place.elman("predict run plain.png adam7.png --json"));
    assert_eq!(found[0]["probabilities"], found[1]["probabilities"]);
}

/// Nothing is on it: said beside the answer, of PNG and IDX alike, with what to do.
#[test]
fn a_blank_image_is_called_blank() {
    let place = Place::with_run();
    let pixels = SIDE * SIDE;
    let grey = |level: u8| png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &vec![level; pixels]);
    let faint: Vec<u8> = (0..pixels).map(|n| 200 + (n % 20) as u8).collect();
    place.write("black.png", &grey(0));
    place.write("white.png", &grey(255));
    place.write("faint.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &faint));
    place.write("clear.png", &png_file(SIDE, ColorType::GrayscaleAlpha, BitDepth::Eight, &vec![0; 2 * pixels]));
    let ones: Vec<u8> = image(2).iter().map(|x| x / 128).collect();
    place.write("ones.idx", &idx(&[1, SIDE, SIDE], &ones));
    let some = [image(0), vec![0; pixels], image(1), vec![9; pixels]].concat();
    place.write("some.idx", &idx(&[4, SIDE, SIDE], &some));
    for (line, says) in [
        (
            "black.png",
            "black.png is blank, all its pixels are 0: the answer says nothing; if its ink is dark on a light or transparent ground, give --invert",
        ),
        ("white.png", "white.png is blank, all its pixels are 255"),
        (
            "white.png --invert",
            "white.png is blank, all its pixels are 0: the answer says nothing; if its ink is light on a dark ground, leave out --invert",
        ),
        ("faint.png", "faint.png is blank, its pixels are 200 to 219 of 255"),
        ("clear.png", "clear.png is blank, all its pixels are 0"),
        ("clear.png --invert", "clear.png is blank, all its pixels are 0"),
        ("ones.idx", "ones.idx is blank, its pixels are 0 to 1 of 255"),
        ("some.idx", "2 of 4 images are blank in some.idx, at 1, 3; of the first all its pixels are 0"),
    ] {
        let outcome = place.elman(&format!("predict run {line}"));
        outcome.succeeded();
        assert!(outcome.stderr.starts_with(&format!("warning: {says}")), "{line}: {}", outcome.stderr);
        // The same as an event, and beside the answer.
        let json = place.elman(&format!("predict run {line} --json"));
        json.succeeded();
        let (warning, answers) = objects(&json.stdout).split_first().map(|(w, a)| (w.clone(), a.to_vec())).unwrap();
        assert_eq!(warning["event"], "warning");
        assert!(warning["text"].as_str().unwrap().starts_with(says), "{warning}");
        let blank: Vec<bool> = answers.iter().map(|answer| answer["blank"] == true).collect();
        let expected = if answers.len() == 4 { vec![false, true, false, true] } else { vec![true] };
        assert_eq!(blank, expected, "{line}");
    }
    place.write("seven.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &image(2)));
    assert_eq!(place.elman("predict run seven.png").stderr, "");
}

/// A label of a blank image cannot be learned.
#[test]
fn blank_images_in_training_are_said() {
    let place = Place::with_run();
    let mut images = place.bytes(&format!("set/{TRAIN_IMAGES}"));
    let last = images.len() - SIDE * SIDE;
    images[last..].fill(255);
    place.write(&format!("set/{TRAIN_IMAGES}"), &images);
    let outcome = place.elman(&format!("{QUICK} --num-epoch 1 --out blank"));
    outcome.succeeded();
    assert!(outcome.stderr.contains("blank in the training images"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("take them out"), "{}", outcome.stderr);
}

#[test]
fn predict_refuses_what_is_no_image_of_its_size() {
    let place = Place::with_run();
    let good = png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &image(0));
    let mut flipped = good.clone();
    // A byte of the compressed pixels, before their checksum and the closing chunk.
    let at = flipped.len() - 24;
    flipped[at] ^= 0x10;
    place.write("good.png", &good);
    place.write("large.png", &png_file(9, ColorType::Grayscale, BitDepth::Eight, &[7; 81]));
    place.write("wide.idx", &idx(&[1, 8, 9], &[7; 72]));
    place.write("high.idx", &idx(&[1, 9, 8], &[7; 72]));
    place.write("cut.png", &good[..good.len() / 2]);
    place.write("head.png", &good[..12]);
    place.write("flipped.png", &flipped);
    place.write("notes.txt", b"Not an image, but a text of several words.");
    place.write("empty", b"");
    place.write("labels", &idx(&[3], &[0, 1, 2]));
    place.write("none", &idx(&[0, 8, 8], &[]));
    place.write("short", &idx(&[2, 8, 8], &[0; 100]));
    fs::create_dir(place.path("folder")).unwrap();
    for (file, words) in [
        ("large.png", &["large.png", "9 pixels wide and 9 high", "8 wide and 8 high"][..]),
        ("wide.idx", &["wide.idx", "9 pixels wide and 8 high", "8 wide and 8 high"]),
        ("high.idx", &["high.idx", "8 pixels wide and 9 high", "8 wide and 8 high"]),
        ("cut.png", &["cannot read cut.png"]),
        ("head.png", &["cannot read head.png"]),
        ("flipped.png", &["cannot read flipped.png", "while decoding IDAT chunk"]),
        ("notes.txt", &["notes.txt is text", "a PNG file or an IDX file"]),
        ("empty", &["cannot read empty", "truncated"]),
        ("labels", &["cannot read labels", "expected 3"]),
        ("none", &["cannot read none", "empty"]),
        ("short", &["cannot read short", "expected 128 bytes", "found 100"]),
        ("folder", &["cannot read folder", "directory"]),
        ("missing.png", &["cannot read missing.png", "No such file"]),
    ] {
        place.elman(&format!("predict run {file}")).refused(1, words);
        // A good file before it gives no half a result.
        place.elman(&format!("predict run good.png {file} --json")).refused(1, words);
    }
    place.elman("predict run").refused(2, &["FILE"]);
    place.elman("predict run good.png --threads 0").refused(2, &["threads is 0"]);
}

/// Every command that reads a model refuses this one, the same way.
#[track_caller]
fn refused_by_all(place: &Place, run: &str, words: &[&str]) {
    for line in [
        format!("eval {run} --data set"),
        format!("predict {run} set/{TEST_IMAGES}"),
        format!("inspect {run}"),
        format!("inspect {run} --json"),
    ] {
        place.elman(&line).refused(1, words);
    }
}

#[test]
fn a_model_file_must_be_there_and_whole() {
    let place = Place::with_run();
    let good = place.bytes("run/model.safetensors");
    refused_by_all(&place, "nowhere", &["nowhere does not exist", "expected a run's folder or a model file"]);
    refused_by_all(&place, "set", &["set holds no model.safetensors", "expected a run's folder"]);
    place.write("empty", b"");
    refused_by_all(&place, "empty", &["cannot read empty", "it is empty", "get the file again"]);
    place.write("garbage", b"\xff\xd8\xff\xe0 a photograph of a horse");
    refused_by_all(&place, "garbage", &["cannot read garbage", "it is a JPEG picture", "as PNG"]);
    place.write("longer", &[&good[..], b"\0"].concat());
    refused_by_all(&place, "longer", &["cannot read longer", "not a whole safetensors file"]);
    for end in [7, 50, good.len() / 2, good.len() - 1] {
        place.write("cut/model.safetensors", &good[..end]);
        let words = ["cannot read cut/model.safetensors", "not a whole safetensors file"];
        place.elman("eval cut --data set").refused(1, &words);
    }
}

#[test]
fn a_model_file_must_have_our_configuration() {
    let place = Place::with_run();
    let ours = RawModel::read(&place.path("run/model.safetensors"));
    let refused = |model: &RawModel, words: &[&str]| {
        model.write(&place.path("altered"));
        refused_by_all(&place, "altered", &[&["altered"], words].concat());
    };
    let mut foreign = ours.clone();
    foreign.header.remove("__metadata__");
    refused(&foreign, &["without the configuration that elman writes", "elman convert altered model.safetensors"]);
    foreign.header.insert("__metadata__".into(), serde_json::json!({"format": "pt"}));
    refused(&foreign, &["without the configuration that elman writes", "elman convert altered model.safetensors"]);

    let with = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let (mut model, mut config) = (ours.clone(), ours.config());
        change(&mut config);
        model.set_config(&config);
        refused(&model, words);
    };
    with(&|config| config["version"] = 2.into(), &["version 2", "knows 1"]);
    with(&|config| config["colour"] = "blue".into(), &["unknown field `colour`"]);
    with(&|config| config["layers"][0]["colour"] = "blue".into(), &["unknown field `colour`"]);
    with(&|config| config["layers"][0]["hidden"] = 17.into(), &["layers.0.kernel", "[8, 16]", "[8, 17]"]);
    with(&|config| config["layers"][0]["hidden"] = 4_000_000_000_000_u64.into(), &["hidden_size is", "16384"]);
    with(&|config| config["layers"][0]["input"] = 9.into(), &["layers.0.kernel", "[8, 16]", "[9, 16]"]);
    with(&|config| config["layers"][0]["cell"] = "transformer".into(), &["unknown variant `transformer`", "rnn"]);
    with(&|config| config["layers"][0]["activation"] = "sine".into(), &["sine", "tanh", "relu"]);
    with(&|config| config["layers"] = Value::Array(vec![]), &["layers is 0", "expected 1 to"]);
    with(&|config| config["head"]["classes"] = 4.into(), &["head.kernel", "[16, 3]", "[16, 4]"]);
    with(&|config| config["steps"] = (-1).into(), &["its configuration"]);
    with(&|config| *config = "[".into(), &["its configuration"]);
}

#[test]
fn a_model_file_must_have_our_arrays() {
    let place = Place::with_run();
    let ours = model(&place.path("run/model.safetensors"));
    let refused = |change: &dyn Fn(&mut elman::formats::File), words: &[&str]| {
        let mut file = ours.clone();
        change(&mut file);
        elman::formats::write(&place.path("altered"), &file).unwrap();
        refused_by_all(&place, "altered", &[&["altered"], words].concat());
    };
    refused(&|file| file.arrays.clear(), &["layers.0.kernel"]);
    refused(&|file| drop(file.arrays.remove("head.kernel")), &["head.kernel is missing"]);
    refused(&|file| drop(file.arrays.remove("layers.0.bias")), &["layers.0.bias is missing"]);
    let spare = ours.arrays["head.bias"].clone();
    refused(&|file| drop(file.arrays.insert("layers.1.bias".into(), spare.clone())), &["layers.1.bias"]);
    refused(
        &|file| file.arrays.get_mut("layers.0.recurrent_kernel").unwrap().shape = vec![4, 64],
        &["layers.0.recurrent_kernel", "[4, 64]", "[16, 16]"],
    );
}

#[test]
fn eval_refuses_data_of_another_kind() {
    let place = Place::with_run();
    place.write_set("wide", 8, 9);
    place.elman("eval run --data wide").refused(1, &["9", "8"]);
    // Four classes where the model has three.
    place.write_set("more", SIDE, SIDE);
    for (name, count) in [(TRAIN_LABELS, TRAINING), (TEST_LABELS, TEST)] {
        let labels: Vec<u8> = (0..count).map(|index| (index % 4) as u8).collect();
        place.write(&format!("more/{name}"), &idx(&[count], &labels));
    }
    place.elman("eval run --data more").refused(1, &["label 3", "classes 0 to 2"]);
    place.elman("eval run --data nowhere").refused(1, &["nowhere", TEST_IMAGES]);
    place.elman("eval run --threads 0").refused(2, &["threads is 0"]);
    // The set that the run names is gone.
    fs::remove_file(place.path(&format!("set/{TEST_LABELS}"))).unwrap();
    place.elman("eval run").refused(1, &["missing in the folder", "set: ", TEST_LABELS]);
}

#[test]
fn eval_refuses_images_that_are_higher_than_the_models() {
    let place = Place::with_run();
    place.write_set("high", 9, SIDE);
    place.elman("eval run --data high").refused(1, &["9", "8"]);
}

#[test]
fn a_message_says_everything_once() {
    let place = Place::with_run();
    place.write("empty", b"");
    place.write("folder/model.safetensors/in-the-way", b"");
    for line in ["eval empty", "inspect folder"] {
        let outcome = place.elman(line);
        outcome.refused(1, &["cannot read "]);
        let cause = outcome.stderr.trim().rsplit(": ").next().unwrap();
        assert_eq!(outcome.stderr.matches(cause).count(), 1, "{}", outcome.stderr);
    }
}

#[test]
fn a_model_may_carry_more_metadata_than_ours() {
    let place = Place::with_run();
    let mut model = RawModel::read(&place.path("run/model.safetensors"));
    for key in ["author", "format"] {
        model.header["__metadata__"][key] = "someone".into();
    }
    model.write(&place.path("more"));
    assert_eq!(place.elman("eval more --data set").succeeded(), place.elman("eval run").succeeded());
}

#[test]
fn a_model_for_sequences_without_end_is_inspected_or_refused() {
    let place = Place::with_run();
    let mut model = RawModel::read(&place.path("run/model.safetensors"));
    let mut config = model.config();
    for steps in [1_u64 << 63, u64::MAX] {
        config["steps"] = steps.into();
        model.set_config(&config);
        model.write(&place.path("endless"));
        let outcome = place.elman("inspect endless");
        if outcome.code != Some(0) {
            outcome.refused(1, &["endless", "steps"]);
        }
    }
}

#[cfg(unix)]
#[test]
fn predict_reads_from_a_pipe() {
    let place = Place::with_run();
    place.write("image.png", &png_file(SIDE, ColorType::Grayscale, BitDepth::Eight, &image(1)));
    place.write("image.idx", &idx(&[1, SIDE, SIDE], &image(1)));
    for file in ["image.png", "image.idx"] {
        let direct = predictions(&place.elman(&format!("predict run {file} --json")));
        let mut command = std::process::Command::new("sh");
        let script = format!("cat {file} | {} predict run /dev/stdin --json", env!("CARGO_BIN_EXE_elman"));
        // Both on the same instruction set, whatever the tests run under.
        command.args(["-c", &script]).current_dir(place.path("")).env_remove("ELMAN_ISA");
        let piped = predictions(&Outcome::of(&mut command));
        assert_eq!(piped[0]["probabilities"], direct[0]["probabilities"], "{file}");
    }
}

#[cfg(unix)]
#[test]
fn predict_reads_a_file_whose_name_is_no_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let place = Place::with_run();
    let name = OsStr::from_bytes(b"im\xe9ge");
    if fs::write(place.path("").join(name), idx(&[1, SIDE, SIDE], &image(1))).is_err() {
        // A file system that has no such names.
        return;
    }
    for line in ["predict run", "predict run --json"] {
        let outcome = Outcome::of(place.command(line).arg(name));
        outcome.succeeded();
        assert!(outcome.stdout.contains("im\u{fffd}ge"), "{}", outcome.stdout);
    }
}
