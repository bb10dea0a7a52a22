//! `Debug` in a line: of what kind an object is, and what tells it from others of its kind.

/// Implements `Debug` for types that hold megabytes, with the kind and a few values instead: level, noise, identifier of the secret.
///
/// ```
/// struct Key {
///     level: usize,
///     words: Vec<u64>,
/// }
/// he_core::brief_debug!(Key: |key| level = key.level, words = key.words.len());
/// let key = Key { level: 3, words: vec![0; 1 << 16] };
/// assert_eq!(format!("{key:?}"), "Key { level: 3, words: 65536, .. }");
/// ```
#[macro_export]
macro_rules! brief_debug {
    ($([$($generics:tt)*])? $name:ident $(<$($given:tt),*>)?: |$object:ident| $($field:ident = $value:expr),*) => {
        impl $(<$($generics)*>)? ::std::fmt::Debug for $name $(<$($given),*>)? {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let $object = self;
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &$value))*
                    .finish_non_exhaustive()
            }
        }
    };
}

/// Implements `Debug` for errors as they are displayed: a `main` that returns one prints a sentence.
///
/// ```
/// #[derive(thiserror::Error)]
/// #[error("no level is left")]
/// struct NoLevel;
/// he_core::debug_as_displayed!(NoLevel);
/// assert_eq!(format!("{NoLevel:?}"), "no level is left");
/// ```
#[macro_export]
macro_rules! debug_as_displayed {
    ($error:ty) => {
        impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }
    };
}
