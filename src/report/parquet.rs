//! Columns as Parquet.

use super::columns::{Column, Columns};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::sync::Arc;

impl Columns {
    /// Parquet with one row group; figures are doubles, absent ones null.
    pub fn parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let fields = self.columns.iter();
        let fields = fields.map(|(name, column)| field(name, column));
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder("sessions")
            .with_fields(fields)
            .build()?;
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
        let mut group = writer.next_row_group()?;
        for (_, column) in &self.columns {
            let Some(mut place) = group.next_column()? else {
                break;
            };
            match column {
                Column::Text(texts) => {
                    let bytes = texts.iter().map(|text| ByteArray::from(text.as_str()));
                    let bytes: Vec<ByteArray> = bytes.collect();
                    place
                        .typed::<ByteArrayType>()
                        .write_batch(&bytes, None, None)?;
                }
                Column::Number(numbers) => {
                    let known: Vec<f64> = numbers.iter().flatten().copied().collect();
                    let levels: Vec<i16> = numbers.iter().map(|n| i16::from(n.is_some())).collect();
                    place
                        .typed::<DoubleType>()
                        .write_batch(&known, Some(&levels), None)?;
                }
            }
            place.close()?;
        }
        group.close()?;
        writer.into_inner()
    }
}

fn field(name: &str, column: &Column) -> Result<Arc<Type>, ParquetError> {
    let builder = match column {
        Column::Text(_) => Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_logical_type(Some(LogicalType::String))
            .with_repetition(Repetition::REQUIRED),
        _ => Type::primitive_type_builder(name, Physical::DOUBLE)
            .with_repetition(Repetition::OPTIONAL),
    };
    builder.build().map(Arc::new)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    use serde_json::json;

    #[test]
    fn parquet_gives_the_rows_back() {
        let rows = [json!({"a": 1.5, "t": "x"}), json!({"a": null, "t": "é"})];
        let columns = Columns::of(&rows, &["t"]).unwrap();
        let bytes = bytes::Bytes::from(columns.parquet().unwrap());
        let reader = SerializedFileReader::new(bytes).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().flatten().collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].get_string(0).unwrap(), "x");
        assert_eq!(rows[0].get_double(1).unwrap(), 1.5);
        assert_eq!(rows[1].get_string(0).unwrap(), "é");
        assert!(rows[1].get_double(1).is_err());
    }
}
