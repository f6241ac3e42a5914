//! Values on their way into statements and out of rows.

use std::borrow::Cow;

use super::error::Error;

/// A value that a statement is given, or that was copied out of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

macro_rules! into_value {
    ($($type:ty => $variant:ident($make:expr)),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant($make(value))
            }
        }
    )*};
}

into_value!(i64 => Integer(i64::from), &str => Text(str::to_owned), String => Text(String::from), &[u8] => Blob(<[u8]>::to_vec));

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A value that someone else holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ValueRef<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl<'a> ValueRef<'a> {
    /// The text; an error for anything else.
    pub(crate) fn as_str(self) -> Result<&'a str, Error> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(Error::Type { column: 0 }),
        }
    }

    /// The text, or nothing where the column is empty.
    pub(crate) fn as_str_or_null(self) -> Result<Option<&'a str>, Error> {
        match self {
            Self::Null => Ok(None),
            other => other.as_str().map(Some),
        }
    }

    /// The bytes; an error for anything else.
    pub(crate) fn as_blob(self) -> Result<&'a [u8], Error> {
        match self {
            Self::Blob(bytes) => Ok(bytes),
            _ => Err(Error::Type { column: 0 }),
        }
    }

    /// A copy.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(number),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Blob(bytes) => Value::Blob(bytes.to_owned()),
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(number) => Self::Integer(*number),
            Value::Text(text) => Self::Text(text),
            Value::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

/// What a statement can be given.
pub(crate) trait ToSql {
    /// As the database takes it.
    fn to_sql(&self) -> ValueRef<'_>;
}

macro_rules! numbers_to_sql {
    ($($number:ty),*) => {$(
        impl ToSql for $number {
            fn to_sql(&self) -> ValueRef<'_> {
                ValueRef::Integer(i64::from(*self))
            }
        }
    )*};
}

numbers_to_sql!(i64, i32, u32, u16, u8, bool);

impl ToSql for str {
    fn to_sql(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}

impl ToSql for String {
    fn to_sql(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}

impl ToSql for Cow<'_, str> {
    fn to_sql(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}

impl ToSql for [u8] {
    fn to_sql(&self) -> ValueRef<'_> {
        ValueRef::Blob(self)
    }
}

impl<const N: usize> ToSql for [u8; N] {
    fn to_sql(&self) -> ValueRef<'_> {
        ValueRef::Blob(self)
    }
}

impl ToSql for Vec<u8> {
    fn to_sql(&self) -> ValueRef<'_> {
        ValueRef::Blob(self)
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> ValueRef<'_> {
        self.into()
    }
}

impl<T: ToSql + ?Sized> ToSql for &T {
    fn to_sql(&self) -> ValueRef<'_> {
        (**self).to_sql()
    }
}

impl<T: ToSql> ToSql for Option<T> {
    fn to_sql(&self) -> ValueRef<'_> {
        self.as_ref().map_or(ValueRef::Null, ToSql::to_sql)
    }
}

/// All values of a statement, in their order.
pub(crate) trait Params {
    /// How many.
    fn count(&self) -> usize;
    /// One of them.
    fn at(&self, index: usize) -> ValueRef<'_>;
}

impl Params for &[&dyn ToSql] {
    fn count(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> ValueRef<'_> {
        self[index].to_sql()
    }
}

impl Params for &[Value] {
    fn count(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> ValueRef<'_> {
        (&self[index]).into()
    }
}

/// None at all: `[]`.
impl Params for [&(dyn ToSql + Send + Sync); 0] {
    fn count(&self) -> usize {
        0
    }

    fn at(&self, _: usize) -> ValueRef<'_> {
        ValueRef::Null
    }
}

macro_rules! arrays_are_params {
    ($($length:literal),*) => {$(
        impl<T: ToSql> Params for [T; $length] {
            fn count(&self) -> usize {
                $length
            }

            fn at(&self, index: usize) -> ValueRef<'_> {
                self[index].to_sql()
            }
        }
    )*};
}

arrays_are_params!(1, 2, 3, 4, 5, 6);

/// Values of different types for one statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::storage::ToSql),*] as &[&dyn $crate::storage::ToSql]
    };
}
pub(crate) use params;

/// What can be read out of a row.
pub(crate) trait FromSql: Sized {
    /// `None` when the value has another type.
    fn from_sql(value: ValueRef<'_>) -> Option<Self>;
}

impl FromSql for i64 {
    fn from_sql(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(number) => Some(number),
            _ => None,
        }
    }
}

macro_rules! numbers_from_sql {
    ($($number:ty),*) => {$(
        impl FromSql for $number {
            fn from_sql(value: ValueRef<'_>) -> Option<Self> {
                i64::from_sql(value)?.try_into().ok()
            }
        }
    )*};
}

numbers_from_sql!(i32, u32, u16, u8);

impl FromSql for bool {
    fn from_sql(value: ValueRef<'_>) -> Option<Self> {
        Some(i64::from_sql(value)? != 0)
    }
}

impl FromSql for String {
    fn from_sql(value: ValueRef<'_>) -> Option<Self> {
        value.as_str().ok().map(str::to_owned)
    }
}

impl FromSql for Vec<u8> {
    fn from_sql(value: ValueRef<'_>) -> Option<Self> {
        value.as_blob().ok().map(<[u8]>::to_vec)
    }
}

impl FromSql for Value {
    fn from_sql(value: ValueRef<'_>) -> Option<Self> {
        Some(value.to_value())
    }
}

impl<T: FromSql> FromSql for Option<T> {
    fn from_sql(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::from_sql(value).map(Some),
        }
    }
}
