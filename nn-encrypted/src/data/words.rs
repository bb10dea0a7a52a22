//! Words in the order in which they came.

use std::collections::BTreeMap;

/// Numbers words from 0 as they come.
#[derive(Default)]
pub(super) struct Words(BTreeMap<String, usize>);

impl Words {
    /// How many different ones there were.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The number of a word.
    pub(super) fn number(&mut self, word: &str) -> usize {
        if let Some(number) = self.0.get(word) {
            return *number;
        }
        let number = self.0.len();
        self.0.insert(word.to_owned(), number);
        number
    }

    /// The words in alphabetical order with their numbers.
    pub(super) fn sorted(self) -> Vec<(String, usize)> {
        self.0.into_iter().collect()
    }
}

/// Of words in an order: the place of the one with each number.
pub(super) fn places(words: &[(String, usize)]) -> Vec<usize> {
    let mut places = vec![0; words.len()];
    for (place, (_, number)) in words.iter().enumerate() {
        places[*number] = place;
    }
    places
}
