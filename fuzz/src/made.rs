//! First inputs that no file of the repository is: made here, of every kind that a reader tells apart.

use std::error::Error;
use std::fs;
use std::path::Path;

use elman::text::Vocabulary;
use elman::{
    Activation, AnyCell, Gru, Head, Init, Layer, Lstm, Merge, Model, Network, Noise, Purpose, Random, Reset, Rnn, Stack,
};
use elman_exchange::onnx::{self, OnnxOptions};
use elman_formats::numpy::{Array, Values, write_npy};

use crate::{gzip, kept, training};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Arrays in the IDX format: of images, of labels, of other dimensions; and some that are not whole.
pub fn idx(corpus: &Path) -> Result<()> {
    let file = |dims: &[u32], data: &[u8]| {
        let dims = dims.iter().flat_map(|dim| dim.to_be_bytes());
        [0, 0, 8, (dims.clone().count() / 4) as u8]
            .into_iter()
            .chain(dims)
            .chain(data.iter().copied())
            .collect::<Vec<_>>()
    };
    let images = file(&[3, 2, 4], &[7; 24]);
    for (name, bytes) in [
        ("images.gz", gzip(&images)),
        ("cut", images[..30].to_vec()),
        ("images", images),
        ("labels", file(&[5], &[0, 1, 2, 0, 1])),
        ("four", file(&[1, 2, 1, 2], &[9; 4])),
        ("claim", file(&[u32::MAX, 28, 28], &[0; 9])),
        ("overflow", file(&[u32::MAX; 3], &[])),
    ] {
        fs::write(corpus.join(name), bytes)?;
    }
    Ok(())
}

/// One array of each type, for the target that reads arrays alone.
pub fn npy(corpus: &Path) -> Result<()> {
    let values = [
        Values::F32(vec![0.5, -1.0, f32::NAN, 3.0]),
        Values::F64(vec![0.5, -1.0, f64::NAN, 3.0]),
        Values::I32(vec![0, -1, 2, 3]),
        Values::I64(vec![0, -1, 2, 3]),
        Values::U8(vec![0, 1, 2, 3]),
        Values::Text(vec!["a".into(), "wörd".into(), String::new(), "語".into()]),
    ];
    for values in &values {
        let array = Array { shape: vec![2, 2], values: values.clone() };
        write_npy(&corpus.join(values.type_name()), &array)?;
    }
    Ok(())
}

/// Sequences in arrays, one behind the other: values, labels, lengths.
pub fn arrays(corpus: &Path) -> Result<()> {
    let values = [
        Values::F32((0..12_u8).map(f32::from).collect()),
        Values::I64((0..12).collect()),
        Values::U8((0..12).collect()),
    ];
    let labels = [Values::Text(vec!["left".into(), "right".into()]), Values::I64(vec![1, 2])];
    for (at, values) in values.into_iter().enumerate() {
        for (of, labels) in labels.iter().enumerate() {
            let mut all = Vec::new();
            for (shape, values) in
                [(vec![2, 3, 2], values.clone()), (vec![2], labels.clone()), (vec![2], Values::I64(vec![3, 2]))]
            {
                let path = corpus.join("part");
                write_npy(&path, &Array { shape, values })?;
                all.extend(fs::read(&path)?);
                fs::remove_file(&path)?;
            }
            fs::write(corpus.join(format!("{at}-{of}")), all)?;
        }
    }
    Ok(())
}

/// Models of every cell and head, with what a job keeps in them.
pub fn models(corpus: &Path) -> Result<()> {
    for (name, mut model) in heads()? {
        model.steps = Some(4);
        model.save(&corpus.join(name))?;
    }
    for (name, vocabulary) in [("characters", Vocabulary::characters("a b\nc")?), ("bytes", Vocabulary::Bytes)] {
        let tokens = vocabulary.len();
        let mut model = model(Stack::new(Gru::new(2, 2)).embedding(tokens), Head::every_step(tokens))?;
        model.meaning = Some(vocabulary.into());
        model.save(&corpus.join(name))?;
    }
    Ok(())
}

/// Graphs of ours, with the network's equations in them, or as they are for other programs.
pub fn graphs(corpus: &Path) -> Result<()> {
    for (name, model) in heads()? {
        for (kind, options) in [("plain", OnnxOptions::default()), ("native", OnnxOptions::default().native(true))] {
            // What ONNX cannot express is refused.
            if let Ok((graph, _)) = onnx::export(&model, &options) {
                fs::write(corpus.join(format!("{name}-{kind}")), elman_formats::onnx::to_bytes(&graph))?;
            }
        }
    }
    Ok(())
}

/// Models of Keras as text: those of the tests, and ours as they are exported.
pub fn keras(corpus: &Path) -> Result<()> {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/models"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("keras") && name.ends_with(".safetensors") {
            let file = elman_formats::read(&path)?;
            if let Some(config) = file.metadata.get("config") {
                fs::write(corpus.join(name), kept::text(config, &file.arrays))?;
            }
        }
    }
    for (name, model) in heads()? {
        if let Ok((archive, _)) = elman_exchange::keras::export(&model) {
            fs::write(corpus.join(name), kept::text(&archive.config.to_string(), &archive.arrays))?;
        }
    }
    Ok(())
}

/// Small models, by name.
fn heads() -> Result<Vec<(String, Model)>> {
    let noise = Noise { recurrent_dropout: 0.1, candidate_dropout: 0.1, zoneout: 0.1, memory_zoneout: 0.1 };
    let lstm = Lstm { projection: Some(2), cell_clip: Some(3.0), projection_clip: Some(2.0), ..Lstm::new(2, 3) };
    let layers: [(&str, Layer); 6] = [
        ("rnn", AnyCell::from(Rnn::new(2, 3).activation(Activation::Relu)).into()),
        ("plain", AnyCell::from(Lstm::new(2, 3)).into()),
        ("lstm", AnyCell::from(lstm.peepholes(true).coupled(true).layer_norm(true)).into()),
        ("noisy", AnyCell::from(Lstm::new(2, 3).noise(noise)).into()),
        ("gru", AnyCell::from(Gru::new(2, 3).reset(Reset::Before).layer_norm(true)).into()),
        ("both", Layer::new(Gru::new(2, 3)).bidirectional(Merge::Concat)),
    ];
    let mut models = Vec::new();
    for (name, layer) in layers {
        let heads = [
            ("last", Head::last_state(3)),
            ("steps", Head::every_step(3)),
            ("quantiles", Head::quantiles(&[0.1, 0.5], 2)),
        ];
        for (kind, head) in heads {
            let width = layer.output();
            let residual = name != "plain";
            let stack =
                Stack::new(layer.clone().dropout(0.2)).then(Layer::new(Rnn::new(width, width)).residual(residual));
            models.push((format!("{name}-{kind}"), model(stack, head)?));
        }
    }
    Ok(models)
}

fn model(stack: Stack, head: Head) -> Result<Model> {
    let network = Network::new(stack, Init::Tf, &mut Random::new(1, Purpose::Cell))?;
    Ok(Model::new(&network, head, Init::Tf, &mut Random::new(1, Purpose::Head))?)
}

/// Checkpoints of one training after some steps, of rows and of streams, with early stopping and without.
pub fn checkpoints(corpus: &Path) -> Result<()> {
    let data = training::data();
    for steps in [0, 1, 3, 4] {
        let mut trainer = training::trainer();
        let mut fit = trainer.fit(&data)?.epochs(training::EPOCHS);
        for _ in 0..steps {
            fit.next_step().transpose()?;
        }
        let mut stopping = training::stopping();
        if steps > 2 {
            stopping.seen(0.5, fit.trainer().model());
        }
        let mut checkpoint = fit.checkpoint();
        checkpoint.note = Some("a word".into());
        checkpoint.save(&corpus.join(format!("rows-{steps}")))?;
        fit.checkpoint().with_stopping(&stopping).save(&corpus.join(format!("stopping-{steps}")))?;

        let mut trainer = training::trainer();
        let mut fit = trainer.fit_streams(&data, training::WINDOW)?.epochs(training::EPOCHS);
        for _ in 0..steps {
            fit.next_step().transpose()?;
        }
        fit.checkpoint().save(&corpus.join(format!("streams-{steps}")))?;
    }
    Ok(())
}

/// Tables of sequences with everything that their reader tells apart.
pub fn tables(corpus: &Path) -> Result<()> {
    for (name, text) in [
        ("plain", "id,time,label,x,y\na,0,left,0.5,1\na,1,left,0.7,\nb,0,right,0.1,2\n"),
        (
            "quoted",
            "\u{feff}\"id\";\"time\";\"y\";\"x\"\r\n\"a\"\"b\";2024-01-01;7;-1e-3\r\n\r\nc;2024-01-02;8;NaN\r\n",
        ),
        ("unlabelled", "id\tx\n1\t2\n1\t3\n2\t4\n"),
        ("floats", "id,time,label,x\na,1.5,1,2\na,0.5,1,3\nb,-0,2,4\n"),
    ] {
        fs::write(corpus.join(name), text)?;
    }
    Ok(())
}

/// Cases of one dimension and of two.
pub fn weka(corpus: &Path) -> Result<()> {
    let head = "% a\n@relation r\n";
    let one = "@attribute a numeric\n@attribute b real\n@attribute class {1,2}\n@data\n1,2,2\n3,?,1\n";
    let two = "@attribute w relational\n@attribute 't 0' numeric\n@end w\n@attribute c {x,'y z'}\n@data\n\
               '1\\n2',x\n\"-1e3\\n?\",'y z'\n";
    let three = "@attribute w relational\n@attribute a numeric\n@end w\n@attribute t real\n@data\n'1\\n2',7\n\"3\\n4\",-8.5\n";
    for (name, text) in [("one", one), ("two", two), ("three", three)] {
        fs::write(corpus.join(name), [head, text].concat())?;
    }
    Ok(())
}

/// Series of each kind of frequency.
pub fn monash(corpus: &Path) -> Result<()> {
    for frequency in ["yearly", "monthly", "weekly", "half_hourly", "4_seconds"] {
        let text = format!(
            "# a\n@attribute series_name string\n@attribute start_timestamp date\n@frequency {frequency}\n@horizon 2\n\
             @missing true\n@equallength false\n@data\nT1:1979-01-01 00-00-00:1,2,?\nT2:1980-02-03 04-05-06:-1e3,5,6,7\n"
        );
        fs::write(corpus.join(frequency), text)?;
    }
    Ok(fs::write(corpus.join("plain"), "@attribute a string\n@attribute b numeric\n@data\nx:1:1,2,3\ny:2:4,5\n")?)
}

/// The settings of every job: all of them, some, and those of other cells, optimizers and schedules.
pub fn configs(corpus: &Path) -> Result<()> {
    const LINES: [&str; 8] = [
        "cell = \"lstm\"\nprojection = 8\npeepholes = true\ncoupled = true\ncell_clip = 3.0\nlayer_norm = true\nmemory_zoneout = 0.1",
        "cell = \"gru\"\nreset = \"before\"\ncandidate_dropout = 0.1\nlayers = 2\nresidual = true\ndropout = 0.5",
        "cell = \"rnn\"\nactivation = \"relu\"\nbidirectional = \"sum\"\ninit = \"keras\"",
        "optimizer = \"rprop+\"\nbatch_size = \"full\"\nincrease = 1.3\nmax_step = 10",
        "optimizer = \"rmsprop\"\nrms_decay = 0.9\nmomentum = 0.5\nschedule = \"cosine\"\nwarmup = 10\nmin_learning_rate = 1e-5",
        "schedule = \"plateau\"\npatience = 2\ndecay = 0.5\nearly_stopping = 3\nmemory_budget = \"2GiB\"\ntruncate = 7",
        "data = \"walks.csv\"\nfeatures = [\"x\", 'y']\nclass_weights = \"1,2\"\nmissing = \"mean\"\nvalidation = 0",
        "data = \"sales.csv\"\ntime = [\"year\", \"month\"]\ntest = 12\nvalidation = 0.2\nhorizon = 6\nquantiles = [0.1, 0.5, 0.9]",
    ];
    for job in elman_cli::jobs() {
        fs::write(corpus.join(job), elman_cli::read_config(job, "")?)?;
    }
    for (at, lines) in LINES.iter().enumerate() {
        fs::write(corpus.join(format!("lines-{at}")), lines)?;
    }
    Ok(())
}
