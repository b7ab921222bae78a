//! A graph's operators on plain arrays, as far as they scale and mark values: not the recurrent ones.

use std::collections::BTreeMap;

use elman::formats::onnx::{File, Graph, Node, Values};
use ndarray::{Array, ArrayD, Axis, IxDyn, Slice, Zip, concatenate};

/// Values by name; truth as 1 and 0, whole numbers as floats.
pub(crate) struct Plain(BTreeMap<String, ArrayD<f32>>);

impl Plain {
    /// With the constants of a graph.
    pub(crate) fn new(graph: &Graph) -> Self {
        let model = elman::formats::onnx::Model { ir_version: 10, graph: Some(graph.clone()), ..Default::default() };
        let file: File = elman::formats::onnx::read_bytes(&elman::formats::onnx::to_bytes(&model)).unwrap();
        let constants = file.model.graph.as_ref().unwrap().initializer.iter().map(|tensor| {
            let array = file.array(tensor).unwrap();
            let data = match array.values {
                Values::F32(values) => values,
                Values::I64(values) => values.into_iter().map(|x| x as f32).collect(),
                other => panic!("{other:?}"),
            };
            (tensor.name.clone(), Array::from_shape_vec(IxDyn(&array.shape), data).unwrap())
        });
        Plain(constants.collect())
    }

    pub(crate) fn set(&mut self, name: &str, value: ArrayD<f32>) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn get(&self, name: &str) -> &ArrayD<f32> {
        self.0.get(name).unwrap_or_else(|| panic!("{name} has no value"))
    }

    pub(crate) fn run(&mut self, nodes: &[Node]) {
        nodes.iter().for_each(|node| self.node(node));
    }

    fn node(&mut self, node: &Node) {
        let at = |n: usize| self.get(&node.input[n]);
        let number = |name: &str| node.attribute.iter().find(|of| of.name == name).and_then(|of| of.i).unwrap_or(0);
        let outputs = match node.op_type.as_str() {
            "Sub" => vec![both(at(0), at(1), |a, b| a - b)],
            "Add" => vec![both(at(0), at(1), |a, b| a + b)],
            "Mul" => vec![both(at(0), at(1), |a, b| a * b)],
            "Div" => vec![both(at(0), at(1), |a, b| a / b)],
            "Or" => vec![both(at(0), at(1), f32::max)],
            "IsNaN" => vec![at(0).mapv(|x| f32::from(u8::from(x.is_nan())))],
            "Not" => vec![at(0).mapv(|x| 1.0 - x)],
            "Cast" => vec![at(0).clone()],
            "Where" => {
                let shape = at(0).raw_dim();
                let [yes, no] = [1, 2].map(|n| at(n).broadcast(shape.clone()).unwrap().to_owned());
                vec![Zip::from(at(0)).and(&yes).and(&no).map_collect(|&c, &a, &b| if c == 1.0 { a } else { b })]
            }
            "Gather" => {
                let places: Vec<usize> = at(1).iter().map(|&x| x as usize).collect();
                vec![at(0).select(Axis(0), &places)]
            }
            "Unsqueeze" => vec![at(0).clone().insert_axis(Axis(at(1)[[0]] as usize))],
            "Concat" => {
                let views: Vec<_> = (0..node.input.len()).map(|n| at(n).view()).collect();
                vec![concatenate(Axis(number("axis") as usize), &views).unwrap()]
            }
            "Split" => {
                let axis = Axis(number("axis") as usize);
                let mut start = 0;
                let mut parts = Vec::new();
                for &size in at(1) {
                    let end = start + size as usize;
                    parts.push(at(0).slice_axis(axis, Slice::from(start..end)).to_owned());
                    start = end;
                }
                parts
            }
            "Reshape" => {
                let shape: Vec<usize> = at(1)
                    .iter()
                    .enumerate()
                    .map(|(axis, &length)| if length == 0.0 { at(0).shape()[axis] } else { length as usize })
                    .collect();
                vec![at(0).to_shape(shape).unwrap().to_owned()]
            }
            other => panic!("{other} is not known"),
        };
        for (name, value) in node.output.iter().zip(outputs) {
            self.0.insert(name.clone(), value);
        }
    }
}

fn both(a: &ArrayD<f32>, b: &ArrayD<f32>, f: fn(f32, f32) -> f32) -> ArrayD<f32> {
    let b = b.broadcast(a.raw_dim()).unwrap();
    Zip::from(a).and(&b).map_collect(|&a, &b| f(a, b))
}
