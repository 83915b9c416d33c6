package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.plan.StoredForm;
import io.fulmar.lightning.internal.plan.StoredKey;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.sql.SQLException;
import java.util.List;

/**
 * Gives held changes another try, and looks up keys by their texts. Part of the caller's
 * transaction.
 */
public final class Release {
  private Release() {}

  /**
   * Gives all held changes of a sync another try.
   *
   * @param transaction fenced
   * @param tables of the sync
   * @return how many
   */
  public static long all(Transaction transaction, SyncTables tables) throws SQLException {
    return transaction.update(HoldSql.RELEASE.with("holds", tables.holds()).sql());
  }

  /**
   * Gives a held change another try.
   *
   * @param transaction fenced
   * @param tables of the sync
   * @param kinds how the columns of the key are read out of the model
   * @param key the texts of the key's columns
   * @return 1, or 0 if there is none
   * @throws SQLException also if a text is no value of its column
   */
  public static long key(
      Transaction transaction, SyncTables tables, List<ColumnKind> kinds, List<String> key)
      throws SQLException {
    return transaction.update(
        HoldSql.RELEASE_KEY
            .with("holds", tables.holds())
            .with("h_key", stored(kinds).columns("h"))
            .with("values", values(kinds))
            .sql(),
        key.toArray());
  }

  private static StoredKey stored(List<ColumnKind> kinds) {
    return new StoredKey(kinds.stream().map(StoredForm::ofKey).toList());
  }

  /**
   * A key as it is stored, out of the texts of its columns, which are bound.
   *
   * @param kinds how the columns of the key are read out of the model
   */
  public static List<SqlFragment> values(List<ColumnKind> kinds) {
    return kinds.stream().map(Release::value).toList();
  }

  private static SqlFragment value(ColumnKind kind) {
    return switch (kind) {
      case INT2, INT4, INT8 -> KeySql.INTEGER;
      case NUMERIC -> KeySql.NUMERIC;
      case TEXT, ENUM -> KeySql.TEXT;
      case BPCHAR -> KeySql.BLANKS_APART;
      case BOOL -> KeySql.BOOL;
      case BYTEA -> KeySql.BYTEA;
      case UUID -> KeySql.UUID;
      case DATE -> KeySql.DATE;
      case TIME -> KeySql.TIME;
      case TIMESTAMP -> KeySql.TIMESTAMP;
      case TIMESTAMPTZ -> KeySql.TIMESTAMPTZ;
      case INET -> KeySql.INET;
      case CIDR -> KeySql.CIDR;
      case MACADDR -> KeySql.MACADDR;
      case MACADDR8 -> KeySql.MACADDR8;
      case FLOAT4, FLOAT8, JSON, TIMETZ, OTHER ->
          throw new IllegalArgumentException("Cannot look up a key: " + kind + " is no key");
    };
  }
}
