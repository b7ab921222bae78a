//! Ids of several columns as one: `north/12`.

/// The id of a series by the cells of its columns. Of one column it is the cell as it is; of several a `/` or `\` within a
/// cell has a `\` before it, so that no two are alike.
pub(crate) fn join<'a>(mut cells: impl ExactSizeIterator<Item = &'a str>, to: &mut String) {
    to.clear();
    if cells.len() == 1 {
        to.push_str(cells.next().unwrap_or_default());
        return;
    }
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            to.push('/');
        }
        for c in cell.chars() {
            if matches!(c, '/' | '\\') {
                to.push('\\');
            }
            to.push(c);
        }
    }
}

/// The cells of an id that `columns` columns make.
pub fn split_id(id: &str, columns: usize) -> Vec<String> {
    if columns == 1 {
        return vec![id.to_owned()];
    }
    let (mut cells, mut escaped) = (vec![String::new()], false);
    for c in id.chars() {
        if c == '/' && !escaped {
            cells.push(String::new());
        } else if c == '\\' && !escaped {
            escaped = true;
            continue;
        } else if let Some(cell) = cells.last_mut() {
            cell.push(c);
        }
        escaped = false;
    }
    cells.resize(columns, String::new());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_several_columns_are_split_again() {
        let mut id = String::new();
        for cells in [["north", "12"], ["a/", "b"], ["a", "/b"], ["a\\", "b"], ["a", "\\/b"]] {
            join(cells.into_iter(), &mut id);
            assert_eq!(split_id(&id, 2), cells, "{id}");
        }
        join(["a/b"].into_iter(), &mut id);
        assert_eq!((id.as_str(), split_id(&id, 1)), ("a/b", vec!["a/b".to_owned()]));
    }
}
