//! The values of a graph while it is interpreted: constants, and tensors whose elements say where they come from.

use std::rc::Rc;

use elman_formats::onnx::Element as Type;

use crate::Place;

/// Most elements of one value that is no weight.
pub(super) const ELEMENTS_MAX: usize = 1 << 22;

/// An element of a tensor that is not known before the graph runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    /// Known all the same, as padding is.
    Number(f32),
    /// Element `index`, row-major, of a source.
    Of { source: u32, index: u32 },
}

/// What a value holds, row-major.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// Numbers that the file knows.
    Floats(Rc<Vec<f32>>),
    /// Whole numbers that the file knows, and shapes.
    Ints(Rc<Vec<i64>>),
    /// What flows through the graph.
    Flow(Rc<Vec<Element>>),
}

/// A tensor.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) shape: Vec<usize>,
    pub(super) data: Data,
    /// What the graph takes its elements for. Of what flows it is not looked at: that may have any.
    pub(super) kind: Type,
    /// The arrays of the file that it was made of.
    pub(super) origins: Rc<Vec<Place>>,
}

/// How many elements a shape has, if they are not too many.
pub(super) fn count(shape: &[usize]) -> Result<usize, String> {
    shape
        .iter()
        .try_fold(1usize, |count, &length| count.checked_mul(length))
        .filter(|&count| count <= u32::MAX as usize)
        .ok_or_else(|| format!("a tensor of shape {shape:?} is too large"))
}

/// The same for a tensor that is made by the graph and not in the file.
pub(super) fn small_count(shape: &[usize]) -> Result<usize, String> {
    match count(shape)? {
        count if count <= ELEMENTS_MAX => Ok(count),
        count => Err(format!("a tensor of shape {shape:?} has {count} elements; expected at most {ELEMENTS_MAX}")),
    }
}

/// Of each axis, how many elements lie between two neighbours.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The axis that a number means, negative ones from the end.
pub(super) fn axis(number: i64, rank: usize) -> Result<usize, String> {
    let at = if number < 0 { number.checked_add(rank as i64) } else { Some(number) };
    at.and_then(|at| usize::try_from(at).ok())
        .filter(|&at| at < rank)
        .ok_or_else(|| format!("axis {number} of a tensor of {rank} axes"))
}

/// A whole number as a type holds it: the bits that do not fit are lost.
pub(super) fn wrapped(kind: Type, number: i64) -> i64 {
    match kind {
        Type::Bool => i64::from(number != 0),
        Type::Int8 => i64::from(number as i8),
        Type::Int16 => i64::from(number as i16),
        Type::Int32 => i64::from(number as i32),
        Type::UInt8 => i64::from(number as u8),
        Type::UInt16 => i64::from(number as u16),
        _ => number,
    }
}

impl Value {
    pub(super) fn floats(shape: Vec<usize>, data: Vec<f32>) -> Self {
        Value { shape, data: Data::Floats(Rc::new(data)), kind: Type::Float, origins: Rc::default() }
    }

    pub(super) fn ints(shape: Vec<usize>, data: Vec<i64>) -> Self {
        Value { shape, data: Data::Ints(Rc::new(data)), kind: Type::Int64, origins: Rc::default() }
    }

    /// Whole numbers of a type, each as that type holds it.
    pub(super) fn ints_of(kind: Type, shape: Vec<usize>, data: impl Iterator<Item = i64>) -> Self {
        Value { kind, ..Value::ints(shape, data.map(|number| wrapped(kind, number)).collect()) }
    }

    /// What flows; floats again where everything is known.
    pub(super) fn flow(shape: Vec<usize>, data: Vec<Element>) -> Self {
        let known = |element: &Element| match element {
            Element::Number(number) => Some(*number),
            Element::Of { .. } => None,
        };
        match data.iter().map(known).collect::<Option<Vec<f32>>>() {
            Some(numbers) => Value::floats(shape, numbers),
            None => Value { shape, data: Data::Flow(Rc::new(data)), kind: Type::Float, origins: Rc::default() },
        }
    }

    /// All elements of a source.
    pub(super) fn of_source(source: u32, shape: Vec<usize>) -> Result<Self, String> {
        let count = small_count(&shape)?;
        let data = (0..count as u32).map(|index| Element::Of { source, index }).collect();
        Ok(Value { shape, data: Data::Flow(Rc::new(data)), kind: Type::Float, origins: Rc::default() })
    }

    pub(super) fn len(&self) -> usize {
        match &self.data {
            Data::Floats(data) => data.len(),
            Data::Ints(data) => data.len(),
            Data::Flow(data) => data.len(),
        }
    }

    /// Its elements, whatever they are.
    pub(super) fn elements(&self) -> Rc<Vec<Element>> {
        match &self.data {
            Data::Flow(data) => data.clone(),
            Data::Floats(data) => Rc::new(data.iter().map(|&number| Element::Number(number)).collect()),
            Data::Ints(data) => Rc::new(data.iter().map(|&number| Element::Number(number as f32)).collect()),
        }
    }

    /// Another shape with the same elements in the same order.
    pub(super) fn reshaped(&self, shape: Vec<usize>) -> Result<Self, String> {
        match count(&shape)? == self.len() {
            true => Ok(Value { shape, ..self.clone() }),
            false => Err(format!("a tensor of shape {:?} has no shape {shape:?}", self.shape)),
        }
    }

    /// Element `i` of the new tensor is element `from[i]` of this one.
    pub(super) fn moved(&self, shape: Vec<usize>, from: impl Iterator<Item = usize>) -> Self {
        let data = match &self.data {
            Data::Floats(data) => Data::Floats(Rc::new(from.map(|at| data[at]).collect())),
            Data::Ints(data) => Data::Ints(Rc::new(from.map(|at| data[at]).collect())),
            Data::Flow(data) => return Value::flow(shape, from.map(|at| data[at]).collect()),
        };
        Value { shape, data, kind: self.kind, origins: self.origins.clone() }
    }

    /// The axes in another order.
    pub(super) fn transposed(&self, order: &[usize]) -> Self {
        let shape: Vec<usize> = order.iter().map(|&axis| self.shape[axis]).collect();
        let from = strides(&self.shape);
        let steps: Vec<usize> = order.iter().map(|&axis| from[axis]).collect();
        let places = Places::new(&shape, &steps, 0);
        self.moved(shape, places)
    }

    /// As wide as `shape`, to which it can be stretched.
    pub(super) fn stretched(&self, shape: &[usize]) -> Result<Self, String> {
        if self.shape == shape {
            return Ok(self.clone());
        }
        small_count(shape)?;
        let lead = shape.len().checked_sub(self.shape.len());
        let Some(lead) = lead else { return Err(format!("{:?} cannot be stretched to {shape:?}", self.shape)) };
        let own = strides(&self.shape);
        let mut steps = vec![0; shape.len()];
        for (axis, &length) in self.shape.iter().enumerate() {
            if length == shape[lead + axis] {
                steps[lead + axis] = own[axis];
            } else if length != 1 {
                return Err(format!("{:?} cannot be stretched to {shape:?}", self.shape));
            }
        }
        Ok(self.moved(shape.to_vec(), Places::new(shape, &steps, 0)))
    }
}

/// The shape to which two shapes are stretched where they meet.
pub(super) fn common_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (a, b) if a == b || b == 1 => Ok(a),
            (1, b) => Ok(b),
            _ => Err(format!("shapes {a:?} and {b:?} do not meet")),
        })
        .collect()
}

/// Walks a shape row-major, with a step of its own along each axis.
pub(super) struct Places {
    shape: Vec<usize>,
    steps: Vec<isize>,
    at: Vec<usize>,
    place: isize,
    left: usize,
}

impl Places {
    pub(super) fn new(shape: &[usize], steps: &[usize], first: usize) -> Self {
        Self::signed(shape, steps.iter().map(|&step| step as isize).collect(), first as isize)
    }

    pub(super) fn signed(shape: &[usize], steps: Vec<isize>, first: isize) -> Self {
        let left = shape.iter().product();
        Places { shape: shape.to_vec(), steps, at: vec![0; shape.len()], place: first, left }
    }
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let place = self.place;
        for axis in (0..self.shape.len()).rev() {
            self.at[axis] += 1;
            self.place += self.steps[axis];
            if self.at[axis] < self.shape[axis] {
                break;
            }
            self.place -= self.steps[axis] * self.shape[axis] as isize;
            self.at[axis] = 0;
        }
        Some(place as usize)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(shape: &[usize]) -> Value {
        Value::ints(shape.to_vec(), (0..shape.iter().product::<usize>() as i64).collect())
    }

    fn numbers(value: &Value) -> Vec<i64> {
        match &value.data {
            Data::Ints(data) => data.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn axes_move_and_stretch() {
        let turned = numbered(&[2, 3]).transposed(&[1, 0]);
        assert_eq!((turned.shape.clone(), numbers(&turned)), (vec![3, 2], vec![0, 3, 1, 4, 2, 5]));
        let turned = numbered(&[2, 1, 3]).transposed(&[2, 0, 1]);
        assert_eq!((turned.shape.clone(), numbers(&turned)), (vec![3, 2, 1], vec![0, 3, 1, 4, 2, 5]));
        assert_eq!(numbers(&numbered(&[2, 1]).stretched(&[2, 2, 2]).unwrap()), [0, 0, 1, 1, 0, 0, 1, 1]);
        assert!(numbered(&[2]).stretched(&[3]).is_err());
        assert!(numbered(&[1]).stretched(&[1 << 40]).is_err());
        assert_eq!(common_shape(&[2, 1], &[3]).unwrap(), [2, 3]);
        assert!(common_shape(&[2], &[3]).is_err());
        assert!(count(&[usize::MAX, 2]).is_err());
        assert_eq!(axis(-1, 3), Ok(2));
        assert!(axis(3, 3).is_err() && axis(-4, 3).is_err() && axis(i64::MIN, 3).is_err());
    }
}
