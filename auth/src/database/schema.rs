use sea_query::{Alias, ColumnDef, Expr, ForeignKey, ForeignKeyAction, Index, IndexCreateStatement, Table};
use sha2::{Digest as _, Sha256};

use super::check::default_of;
use super::connection::on;
use super::{Column, Database, Kind, Transaction};

/// A table as it should be.
#[derive(Clone, Debug)]
pub(crate) struct TableSpec {
    pub(crate) name: String,
    pub(crate) columns: Vec<ColumnSpec>,
    /// The columns of the primary key.
    pub(crate) key: Vec<&'static str>,
    /// Sets of columns of which no two rows may have the same values.
    pub(crate) unique: Vec<Vec<&'static str>>,
    /// Sets of columns that rows are looked for by.
    pub(crate) indexes: Vec<Vec<&'static str>>,
    /// Columns that hold the key `.2` of another table `.1`, with which their rows go.
    pub(crate) references: Vec<(&'static str, String, &'static str)>,
}

/// A column of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnSpec {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    pub(crate) max_length: Option<u32>,
    /// Whether the database gives its value: a key that is never given again.
    pub(crate) generated: bool,
}

impl ColumnSpec {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, nullable: false, max_length: None, generated: false }
    }

    pub(crate) const fn text(name: &'static str, max_length: u32) -> Self {
        Self { max_length: Some(max_length), ..Self::new(name, Kind::Text) }
    }

    pub(crate) const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub(crate) const fn generated(self) -> Self {
        Self { generated: true, ..self }
    }
}

impl From<&Column> for ColumnSpec {
    fn from(column: &Column) -> Self {
        Self { nullable: column.nullable, max_length: column.max_length, ..Self::new(column.name, column.kind) }
    }
}

/// The differences between dialects that `sea-query` does not know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    #[cfg(feature = "database-sqlite")]
    Sqlite,
    #[cfg(feature = "database-postgres")]
    Postgres,
    #[cfg(feature = "database-mysql")]
    MySql,
}

macro_rules! dialect {
    ($type:ident) => {
        impl $type {
            /// Which dialect it speaks.
            pub(crate) fn dialect(&self) -> Dialect {
                match self {
                    #[cfg(feature = "database-sqlite")]
                    Self::Sqlite(_) => Dialect::Sqlite,
                    #[cfg(feature = "database-postgres")]
                    Self::Postgres(_) => Dialect::Postgres,
                    #[cfg(feature = "database-mysql")]
                    Self::MySql(_) => Dialect::MySql,
                }
            }
        }
    };
}
dialect!(Database);
dialect!(Transaction);

/// A statement of the schema, in a dialect's words.
macro_rules! text {
    ($dialect:expr, $statement:expr) => {
        match $dialect {
            #[cfg(feature = "database-sqlite")]
            Dialect::Sqlite => $statement.to_string(sea_query::SqliteQueryBuilder),
            #[cfg(feature = "database-postgres")]
            Dialect::Postgres => $statement.to_string(sea_query::PostgresQueryBuilder),
            #[cfg(feature = "database-mysql")]
            Dialect::MySql => $statement.to_string(sea_query::MysqlQueryBuilder),
        }
    };
}

impl Dialect {
    /// Whether a failed migration leaves nothing behind.
    fn is_mysql(self) -> bool {
        #[cfg(feature = "database-mysql")]
        return self == Self::MySql;
        #[cfg(not(feature = "database-mysql"))]
        false
    }

    fn type_of(self, column: &ColumnSpec) -> String {
        match self {
            #[cfg(feature = "database-sqlite")]
            Self::Sqlite => match column.kind {
                // Only a column of exactly that type is an alias of the row's number.
                Kind::Integer | Kind::BigInt if column.generated => "integer".into(),
                Kind::Integer => "integer".into(),
                Kind::BigInt => "bigint".into(),
                Kind::Double => "double".into(),
                Kind::Bool => "boolean".into(),
                Kind::Bytes | Kind::Uuid => "blob".into(),
                Kind::Text | Kind::Time | Kind::Date | Kind::Json => match column.max_length {
                    Some(max) => format!("varchar({max})"),
                    None => "text".into(),
                },
            },
            #[cfg(feature = "database-postgres")]
            Self::Postgres => match column.kind {
                Kind::Integer => "integer".into(),
                Kind::BigInt => "bigint".into(),
                Kind::Double => "double precision".into(),
                Kind::Bool => "boolean".into(),
                Kind::Text => match column.max_length {
                    Some(max) => format!("varchar({max}) COLLATE \"C\""),
                    None => "text COLLATE \"C\"".into(),
                },
                Kind::Bytes => "bytea".into(),
                Kind::Uuid => "uuid".into(),
                Kind::Time => "timestamp with time zone".into(),
                Kind::Date => "date".into(),
                Kind::Json => "json".into(),
            },
            #[cfg(feature = "database-mysql")]
            Self::MySql => match column.kind {
                Kind::Integer => "integer".into(),
                Kind::BigInt => "bigint".into(),
                Kind::Double => "double".into(),
                Kind::Bool => "boolean".into(),
                Kind::Text => match column.max_length {
                    Some(max) => format!("varchar({max})"),
                    None => "longtext".into(),
                },
                Kind::Bytes => "longblob".into(),
                Kind::Uuid => "binary(16)".into(),
                Kind::Time => "datetime(6)".into(),
                Kind::Date => "date".into(),
                Kind::Json => "json".into(),
            },
        }
    }

    /// The words by which the database gives a key. SQLite would give a deleted user's key again without the last of them.
    fn generated(self) -> &'static str {
        match self {
            #[cfg(feature = "database-sqlite")]
            Self::Sqlite => "PRIMARY KEY AUTOINCREMENT",
            #[cfg(feature = "database-postgres")]
            Self::Postgres => "GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            #[cfg(feature = "database-mysql")]
            Self::MySql => "AUTO_INCREMENT PRIMARY KEY",
        }
    }

    fn column(self, column: &ColumnSpec) -> ColumnDef {
        let mut definition = ColumnDef::new(column.name);
        definition.custom(Alias::new(self.type_of(column)));
        if column.nullable {
            definition.null();
        } else {
            definition.not_null();
        }
        if column.generated {
            definition.extra(self.generated());
        }
        definition
    }

    /// The statements that make a table, if it is not there. `collation` is MySQL's.
    pub(crate) fn create(self, table: &TableSpec, collation: Option<&str>) -> Vec<String> {
        let mut create = Table::create();
        create.table(Alias::new(&table.name)).if_not_exists();
        if let Some(collation) = collation {
            create.engine("InnoDB").character_set("utf8mb4").collate(collation);
        }
        for column in &table.columns {
            create.col(self.column(column));
        }
        if !table.columns.iter().any(|column| column.generated) {
            let mut key = Index::create();
            table.key.iter().for_each(|column| _ = key.col(*column));
            create.primary_key(&mut key);
        }
        for (column, target, target_key) in &table.references {
            let mut reference = ForeignKey::create();
            reference
                .from(Alias::new(&table.name), *column)
                .to(Alias::new(target), *target_key)
                .on_delete(ForeignKeyAction::Cascade);
            create.foreign_key(&mut reference);
        }
        let mut indexes = Vec::new();
        for (columns, unique) in table.all_indexes() {
            let mut index = table.index(columns, unique);
            if self.is_mysql() {
                create.index(&mut index); // by itself it could not be made only where it is not there
            } else {
                indexes.push(text!(self, index.if_not_exists()));
            }
        }
        indexes.insert(0, text!(self, create));
        indexes
    }

    /// The statements that add a column to a table that has rows: they get the default of its kind.
    pub(crate) fn add_column(self, table: &TableSpec, column: &ColumnSpec) -> Vec<String> {
        let mut definition = self.column(column);
        if !column.nullable {
            let default = Expr::val(sea_query::Value::from(default_of(column.kind)));
            // MySQL takes a default for a text or a document only as an expression.
            let default = text!(self, sea_query::Query::select().expr(default));
            let default = default.trim_start_matches("SELECT ");
            let default = if self.is_mysql() { format!("({default})") } else { default.to_owned() };
            definition.extra(format!("DEFAULT {default}"));
        }
        let mut alter = Table::alter();
        alter.table(Alias::new(&table.name)).add_column(definition);
        let mut statements = vec![text!(self, alter)];
        for (columns, unique) in table.all_indexes() {
            if columns.contains(&column.name) {
                let mut index = table.index(columns, unique);
                if !self.is_mysql() {
                    index.if_not_exists();
                }
                statements.push(text!(self, index));
            }
        }
        statements
    }
}

impl TableSpec {
    /// A table with a key and nothing else about it.
    pub(crate) fn new(name: impl Into<String>, key: Vec<&'static str>, columns: Vec<ColumnSpec>) -> Self {
        Self { name: name.into(), columns, key, unique: Vec::new(), indexes: Vec::new(), references: Vec::new() }
    }

    fn all_indexes(&self) -> impl Iterator<Item = (&[&'static str], bool)> {
        let unique = self.unique.iter().map(|columns| (columns.as_slice(), true));
        unique.chain(self.indexes.iter().map(|columns| (columns.as_slice(), false)))
    }

    fn index(&self, columns: &[&'static str], unique: bool) -> IndexCreateStatement {
        let mut index = Index::create();
        index.name(index_name(&self.name, columns, unique)).table(Alias::new(&self.name));
        columns.iter().for_each(|column| _ = index.col(*column));
        if unique {
            index.unique();
        }
        index
    }
}

/// `author_email_key`, as PostgreSQL would call it; with a digest in it where that is longer than it allows.
pub(crate) fn index_name(table: &str, columns: &[&str], unique: bool) -> String {
    const MAX: usize = 63;
    let name = format!("{table}_{}_{}", columns.join("_"), if unique { "key" } else { "idx" });
    if name.len() <= MAX {
        return name;
    }
    let digest = Sha256::digest(&name);
    let mut end = MAX - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{:02x}{:02x}{:02x}{:02x}", &name[..end], digest[0], digest[1], digest[2], digest[3])
}

/// Runs a statement of the schema.
impl Transaction {
    pub(crate) async fn change_schema(&mut self, sql: String) -> Result<(), super::DatabaseError> {
        on!(Self, self, |transaction, _builder| {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut **transaction).await?;
            Ok(())
        })
    }
}
