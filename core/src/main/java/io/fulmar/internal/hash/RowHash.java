package io.fulmar.internal.hash;

import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.Parts;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.type.ColumnKind;
import java.util.ArrayList;
import java.util.List;

/**
 * The version of a row as 64 bits that PostgreSQL computes: a hash of each column under a seed of
 * its own, NULL as a number of its own, joined by XOR. Two rows have the same version exactly when
 * their canonical forms (see {@link io.fulmar.internal.type.RowImage}) are the same, up to one
 * chance in 2^64 for each pair. Columns of the key are left out where equal keys are equal in them.
 * Immutable.
 */
public final class RowHash {
  private static final SqlFragment BEYOND_LIMIT =
      SqlFragment.of(
          "case when {oversize} then {hash} operator(pg_catalog.#) {mark} else {hash} end",
          "hash",
          "mark",
          "oversize");
  private static final SqlFragment DIFFER =
      SqlFragment.of("{left} operator(pg_catalog.<>) {right}", "left", "right");

  private final ModelShape shape;
  private final String seed;

  private RowHash(ModelShape shape, String seed) {
    this.shape = shape;
    this.seed = seed;
  }

  /**
   * The hash of a model's rows.
   *
   * @param shape the model
   * @param seed what is hashed under another one equals nothing
   */
  public static RowHash of(ModelShape shape, String seed) {
    return new RowHash(shape, seed);
  }

  /**
   * The hash of a row.
   *
   * @param columns of the model, in its order
   */
  public SqlPart of(List<Identifier> columns) {
    return of(
        columns,
        shape.used().stream()
            .filter(
                i ->
                    !shape.keyPositions().contains(i)
                        || !isOneWithKey(shape.columns().get(i).kind()))
            .toList());
  }

  private SqlPart of(List<Identifier> columns, List<Integer> positions) {
    List<SqlPart> hashes = new ArrayList<>();
    hashes.add(Parts.number(number("row")));
    for (int i : positions) {
      hashes.add(
          column(shape.columns().get(i).kind(), columns.get(i), shape.columns().get(i).name()));
    }
    return Parts.xor(hashes);
  }

  /**
   * The hash of a row and its key.
   *
   * @param version of the row
   * @param kinds how the columns of its key are read
   * @param key these columns; equal keys have equal hashes in them
   */
  public SqlPart keyed(SqlPart version, List<ColumnKind> kinds, List<? extends SqlPart> key) {
    List<SqlPart> hashes = new ArrayList<>();
    hashes.add(version);
    for (int i = 0; i < kinds.size(); i++) {
      hashes.add(column(kinds.get(i), key.get(i), "\0key " + i));
    }
    return Parts.xor(hashes);
  }

  /** The statement that adds up all rows of the model, with their keys: see {@link RowSum}. */
  public String sum() {
    return sumOfModel(of(aliases(), shape.used()));
  }

  /**
   * The statement that adds up something of each row of the model.
   *
   * @param hash of a row, whose columns are {@code c0, c1 ...}
   */
  public String sumOfModel(SqlPart hash) {
    return sum(hash, RowSumSql.MODEL.with("aliases", aliases()).with("model", shape.query()));
  }

  /**
   * The statement that adds up something of each row of a table.
   *
   * @param hash of a row
   * @param table its name
   */
  public String sumOfTable(SqlPart hash, Identifier table) {
    return sum(hash, table);
  }

  private String sum(SqlPart hash, SqlPart rows) {
    return RowSumSql.SUM
        .with("hash", hash)
        .with("rows", rows)
        .with("spread", spread(Identifier.of("hashed", "hash")))
        .sql();
  }

  private List<Identifier> aliases() {
    return Parts.numbered("c", shape.columns().size());
  }

  private SqlPart spread(SqlPart hash) {
    return RowSumSql.SPREAD
        .with("hash", hash)
        .with("second", Parts.number(number("second sum")))
        .with("seed", Parts.number(number("sum")));
  }

  /**
   * The version of a row: another one if it has too many bytes, so that another limit makes it due.
   *
   * @param hash the hash of the row
   * @param oversize whether it has too many bytes
   */
  public SqlPart marked(SqlPart hash, SqlPart oversize) {
    return BEYOND_LIMIT
        .with("hash", hash)
        .with("oversize", oversize)
        .with("mark", Parts.number(mark()));
  }

  /** What the version of a row with too many bytes is combined with, by XOR. */
  public long mark() {
    return number("oversize");
  }

  /**
   * Whether two values of a column are not the same.
   *
   * @param kind how they are read
   * @param left the one
   * @param right the other
   */
  public SqlPart differ(ColumnKind kind, SqlPart left, SqlPart right) {
    return DIFFER.with("left", column(kind, left, "")).with("right", column(kind, right, ""));
  }

  /** Whether equal keys have one image in such a column. */
  private static boolean isOneWithKey(ColumnKind kind) {
    return kind != ColumnKind.NUMERIC && kind != ColumnKind.BPCHAR;
  }

  private SqlPart column(ColumnKind kind, SqlPart value, String name) {
    return HashSql.HASHED_OR_NULL
        .with("hash", hash(kind, value, name))
        .with("none", Parts.number(number("null " + name)));
  }

  private SqlPart hash(ColumnKind kind, SqlPart value, String name) {
    SqlPart first = Parts.number(number("column " + name));
    SqlPart second = Parts.number(number("second " + name));
    return switch (kind) {
      case BOOL -> one(HashSql.HASH_BOOL, value, first);
      case INT2 -> one(HashSql.HASH_INT2, value, first);
      case INT4 -> one(HashSql.HASH_INT4, value, first);
      case INT8 -> one(HashSql.HASH_INT8, value, first).with("second", second);
      case FLOAT4 -> one(HashSql.HASH_FLOAT4, value, first);
      case FLOAT8 -> one(HashSql.HASH_FLOAT8, value, first);
      case NUMERIC, TEXT, JSON, OTHER -> one(HashSql.HASH_TEXT, value, first);
      case ENUM -> one(HashSql.HASH_TEXT, HashSql.LABEL.with("value", value), first);
      case BPCHAR -> one(HashSql.HASH_BPCHAR, value, first).with("second", second);
      case BYTEA -> one(HashSql.HASH_BYTEA, value, first).with("second", second);
      case DATE -> one(HashSql.HASH_DATE, value, first);
      case UUID -> one(HashSql.HASH_UUID, value, first);
      case TIME -> image(value, first, "time_send");
      case TIMETZ -> image(value, first, "timetz_send");
      case TIMESTAMP -> image(value, first, "timestamp_send");
      case TIMESTAMPTZ -> image(value, first, "timestamptz_send");
      case INET -> image(value, first, "inet_send");
      case CIDR -> image(value, first, "cidr_send");
      case MACADDR -> image(value, first, "macaddr_send");
      case MACADDR8 -> image(value, first, "macaddr8_send");
    };
  }

  private static SqlFragment one(SqlFragment hash, SqlPart value, SqlPart seed) {
    return hash.with("value", value).with("seed", seed);
  }

  private static SqlPart image(SqlPart value, SqlPart seed, String send) {
    return one(HashSql.HASH_IMAGE, value, seed).with("send", Identifier.of(send));
  }

  private long number(String what) {
    return Hashing.xxh3_64().hashCharsToLong(seed + "\0" + what);
  }
}
