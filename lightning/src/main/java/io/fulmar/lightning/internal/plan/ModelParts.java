package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.hash.RowHash;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.Parts;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What statements have of a model: its rows with their keys as they are kept and their versions,
 * and what is counted of it. Immutable.
 */
final class ModelParts {
  private final ModelShape shape;
  private final StoredKey key;
  private final RowHash hash;
  private final long maxRowBytes;
  private final List<Identifier> aliases;
  private final @Nullable SqlPart absent;

  private ModelParts(
      ModelShape shape, StoredKey key, RowHash hash, long maxRowBytes, @Nullable SqlPart absent) {
    this.shape = shape;
    this.key = key;
    this.hash = hash;
    this.maxRowBytes = maxRowBytes;
    this.aliases = Parts.numbered("c", shape.columns().size());
    this.absent = absent;
  }

  /**
   * A model.
   *
   * @param shape what it returns
   * @param key how its keys are kept
   * @param hash of its rows
   * @param maxRowBytes rows with more come without their values
   */
  static ModelParts of(ModelShape shape, StoredKey key, RowHash hash, long maxRowBytes) {
    return new ModelParts(shape, key, hash, maxRowBytes, null);
  }

  /**
   * The same model, of which only some keys are looked at.
   *
   * @param rows reads the rows of these keys
   * @param gone a subquery: those that have no row; null for none
   */
  ModelParts looking(ModelShape rows, @Nullable SqlPart gone) {
    return new ModelParts(rows, key, hash, maxRowBytes, gone);
  }

  private List<Identifier> keyAliases() {
    return shape.keyPositions().stream().map(aliases::get).toList();
  }

  private List<SqlPart> storedKeys() {
    return shape.keyPositions().stream().map(i -> storedKey(i, aliases.get(i))).toList();
  }

  private SqlPart storedKey(int position, SqlPart column) {
    return StoredForm.key(shape.columns().get(position).kind(), column);
  }

  /** Whether a row has its key whole. */
  private SqlPart whole() {
    return Parts.noneNull(keyAliases());
  }

  /** Whether a key can be too large. */
  boolean isKeyMeasured() {
    return StoredForm.canBeTooLarge(keyKinds());
  }

  /** Whether a row's key, which is whole, is too large. */
  private SqlPart large() {
    return StoredForm.isTooLarge(keyKinds(), keyAliases());
  }

  private SqlPart valid() {
    return isKeyMeasured()
        ? Parts.all(
            List.of(
                whole(),
                FormSql.WITHIN
                    .with("bytes", StoredForm.keyBytes(keyKinds(), keyAliases()))
                    .with("limit", Parts.number(StoredForm.MAX_KEY_BYTES))))
        : whole();
  }

  /** Columns that count towards the size of a row; none if no row can have too many bytes. */
  private List<Integer> measured() {
    List<Integer> unbounded =
        shape.used().stream().filter(i -> !shape.columns().get(i).bounded()).toList();
    return unbounded.stream().allMatch(shape.keyPositions()::contains) ? List.of() : unbounded;
  }

  private SqlPart oversize() {
    List<Integer> columns = measured();
    if (columns.isEmpty()) {
      return DiffSql.FALSE;
    }
    List<SqlPart> bytes =
        columns.stream()
            .map(
                i ->
                    FormSql.OCTETS.with(
                        "value",
                        switch (shape.columns().get(i).kind()) {
                          case JSON, OTHER -> StoredForm.value(ColumnKind.TEXT, aliases.get(i));
                          default -> aliases.get(i);
                        }))
            .<SqlPart>map(part -> part)
            .toList();
    return FormSql.BEYOND.with("bytes", Parts.sum(bytes)).with("limit", Parts.number(maxRowBytes));
  }

  private List<Identifier> used() {
    return shape.used().stream().map(aliases::get).toList();
  }

  /** The rows that have a usable key, as a query. */
  SqlPart rows() {
    SqlFragment rows =
        DiffSql.ROWS
            .with("keys", Parts.named(storedKeys(), key.columns()))
            .with("hash", hash.of(aliases))
            .with("oversize", oversize())
            .with("columns", used())
            .with("model", shape.query())
            .with("aliases", aliases)
            .with("valid", valid());
    SqlPart gone = absent;
    return gone == null
        ? rows
        : DiffSql.ROWS_AND_ABSENT
            .with("rows", rows)
            .with("keys", key.columns("fulmar_absent"))
            .with("nulls", used().stream().map(column -> DiffSql.NULL).toList())
            .with("absent", gone);
  }

  /** The version of a row {@code w} of {@link #rows}. */
  SqlPart version() {
    Identifier plain = Identifier.of("w", "hash");
    return measured().isEmpty() ? plain : hash.marked(plain, Identifier.of("w", "oversize"));
  }

  /** The fields of a row in the order in which they are read: positions in the model. */
  private List<Integer> readOrder() {
    List<Integer> fields = shape.rowShape().fields();
    Integer[] order = new Integer[fields.size()];
    for (int i = 0; i < order.length; i++) {
      order[fields.get(i)] = shape.used().get(i);
    }
    return Arrays.asList(order);
  }

  /**
   * The fields of a row in the order in which they are read, as {@code f0, f1 ...}.
   *
   * @param alias of what has the columns
   * @param within takes those that a row with too many bytes comes without
   * @param always takes the others; null to leave them as they are
   */
  List<SqlPart> fields(String alias, SqlFragment within, @Nullable SqlFragment always) {
    List<SqlPart> values = new ArrayList<>();
    List<Integer> bounded = measured();
    for (int i : readOrder()) {
      SqlPart value = StoredForm.value(shape.columns().get(i).kind(), behind(alias, i));
      if (bounded.contains(i) && !shape.keyPositions().contains(i)) {
        value = within.with("value", value);
      } else if (always != null) {
        value = always.with("value", value);
      }
      values.add(Parts.named(value, Identifier.of("f" + values.size())));
    }
    return values;
  }

  /** The columns that are read, behind an alias. */
  List<SqlPart> columns(String alias) {
    return shape.used().stream().<SqlPart>map(i -> behind(alias, i)).toList();
  }

  private static Identifier behind(String alias, int position) {
    return Identifier.of(alias, "c" + position);
  }

  /** The names of {@link #fields}, behind an alias. */
  List<Identifier> fieldNames(String alias) {
    return Parts.numbered(alias, "f", shape.fieldCount());
  }

  /** How the fields are read. */
  List<ColumnKind> fieldKinds() {
    return shape.fieldKinds();
  }

  /** How the columns of the key are read out of the model. */
  List<ColumnKind> keyKinds() {
    return shape.keyPositions().stream().map(i -> shape.columns().get(i).kind()).toList();
  }

  /** The keys that an application asked for, as a query of values that the model would have. */
  SqlPart askedKeys() {
    return shape.askedKeys();
  }

  /** The columns of {@link #askedKeys} as {@code fulmar_key}, as they are kept. */
  List<SqlPart> storedAsked() {
    List<Identifier> asked = key.columns("fulmar_key");
    List<SqlPart> stored = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      stored.add(storedKey(shape.keyPositions().get(i), asked.get(i)));
    }
    return stored;
  }

  StoredKey key() {
    return key;
  }

  /** The statement that adds up the rows of the model, with their keys as they are kept. */
  String sum() {
    SqlPart plain = hash.of(aliases);
    SqlPart version = measured().isEmpty() ? plain : hash.marked(plain, oversize());
    return hash.sumOfModel(hash.keyed(version, key.kinds(), storedKeys()));
  }

  /**
   * The statement that adds up the accepted rows, with their keys.
   *
   * @param state the table that has them
   */
  String sumOfState(Identifier state) {
    return hash.sumOfTable(hash.keyed(Identifier.of("hash"), key.kinds(), key.columns()), state);
  }

  /** Counts rows of the model: all, those without a whole key, those whose key is too large. */
  String count() {
    return CountSql.MODEL
        .with("model", shape.query())
        .with("aliases", aliases)
        .with("keyless", Parts.anyNull(keyAliases()))
        .with("whole", whole())
        .with("large", large())
        .sql();
  }

  /** Reads the first rows without a usable key: whether it is whole, then its columns. */
  String invalidRows(int most) {
    List<SqlPart> fields = new ArrayList<>();
    for (int i : shape.keyPositions()) {
      fields.add(
          StoredForm.isMeasured(shape.columns().get(i).kind())
              ? FormSql.UNLESS.with("condition", large()).with("value", aliases.get(i))
              : aliases.get(i));
    }
    return CountSql.INVALID
        .with("model", shape.query())
        .with("aliases", aliases)
        .with("keyless", Parts.anyNull(keyAliases()))
        .with("whole", whole())
        .with("large", large())
        .with("fields", fields)
        .with("most", Parts.number(most))
        .sql();
  }

  /** Finds the keys that occur more than once in the model. */
  String duplicates(SyncTables tables) {
    return CountSql.DUPLICATES_OF_MODEL
        .with("duplicates", tables.duplicates())
        .with("keys", key.columns("w"))
        .with("values", Parts.named(storedKeys(), key.columns()))
        .with("model", shape.query())
        .with("aliases", aliases)
        .with("valid", valid())
        .sql();
  }

  /** Reads the rows: version, whether it has too many bytes, and its fields. */
  String hashedRows() {
    return KeyLookSql.ROWS
        .with("version", version())
        .with("values", fields("w", DiffSql.WITHIN, null))
        .with("rows", rows())
        .sql();
  }
}
