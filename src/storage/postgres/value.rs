//! Values between the two sides: what a statement is given takes the type that the statement expects.

use std::error::Error as StdError;

use tokio_postgres::{
    Row,
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use crate::storage::{error::Error, value::ValueRef};

/// A value on its way into a statement.
#[derive(Debug)]
pub(crate) struct Param<'a>(pub(crate) ValueRef<'a>);

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            ValueRef::Null => Ok(IsNull::Yes),
            ValueRef::Integer(number) => match *ty {
                Type::BOOL => (number != 0).to_sql(ty, out),
                Type::INT2 => i16::try_from(number)?.to_sql(ty, out),
                Type::INT4 => i32::try_from(number)?.to_sql(ty, out),
                _ => number.to_sql(ty, out),
            },
            // PostgreSQL has no place for this character in a text.
            ValueRef::Text(text) if text.contains('\0') => text.replace('\0', "\u{fffd}").to_sql(ty, out),
            ValueRef::Text(text) => text.to_sql(ty, out),
            ValueRef::Blob(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Decided with the value.
        true
    }

    to_sql_checked!();
}

/// What a column of a row holds.
pub(crate) fn column(row: &Row, index: usize) -> Result<ValueRef<'_>, Error> {
    let wrong = |_| Error::Type { column: index };
    let ty = row.columns().get(index).ok_or(Error::Type { column: index })?.type_();
    Ok(match *ty {
        Type::INT8 => row.try_get::<_, Option<i64>>(index).map_err(wrong)?.map(ValueRef::Integer),
        Type::INT4 => row
            .try_get::<_, Option<i32>>(index)
            .map_err(wrong)?
            .map(|number| ValueRef::Integer(number.into())),
        Type::INT2 => row
            .try_get::<_, Option<i16>>(index)
            .map_err(wrong)?
            .map(|number| ValueRef::Integer(number.into())),
        Type::BOOL => {
            row.try_get::<_, Option<bool>>(index).map_err(wrong)?.map(|is| ValueRef::Integer(is.into()))
        }
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(index).map_err(wrong)?.map(ValueRef::Blob),
        _ => row.try_get::<_, Option<&str>>(index).map_err(wrong)?.map(ValueRef::Text),
    }
    .unwrap_or(ValueRef::Null))
}
