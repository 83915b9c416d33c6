package io.fulmar.internal.source;

import io.fulmar.ModelPreview;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ScalarType;
import io.fulmar.internal.type.ValueType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * A model that has been proven and described: its columns, and how its rows are read. Fields are
 * read in the order of the column names, so that another order in the query is no change of the
 * rows. Immutable.
 *
 * @param query its text
 * @param columns in the order of the query
 * @param keyPositions the key's columns, in the order of the key
 * @param used the columns that are read and compared, the key's among them, in the order of the
 *     query
 */
public record ModelShape(
    QueryText query, List<Column> columns, List<Integer> keyPositions, List<Integer> used) {
  /** Most bytes of a key column. */
  public static final int MAX_KEY_BYTES = 8_192;

  private static final Identifier BYTES = Identifier.of("fulmar_bytes");

  /** Copies the lists. */
  public ModelShape {
    columns = List.copyOf(columns);
    keyPositions = List.copyOf(keyPositions);
    used = List.copyOf(used);
  }

  /** A model of which every column is used. */
  public ModelShape(QueryText query, List<Column> columns, List<Integer> keyPositions) {
    this(query, columns, keyPositions, IntStream.range(0, columns.size()).boxed().toList());
  }

  /** The same model, of which only some columns are used. */
  public ModelShape using(List<Integer> positions) {
    return new ModelShape(query, columns, keyPositions, positions);
  }

  /** How many fields a row has, as it is read. */
  public int fieldCount() {
    return used.size();
  }

  /**
   * A column of the result.
   *
   * @param name its name
   * @param type its type, as {@code format_type} gives it
   * @param kind how it is read
   * @param bounded whether its values have a small limit on their size
   * @param detail labels of an enum, attributes of a composite; empty for others
   * @param valueType what its text means, if it is read as text, and what Java type that is
   */
  public record Column(
      String name,
      String type,
      ColumnKind kind,
      boolean bounded,
      String detail,
      ValueType valueType) {
    /** A column whose kind says what its values are; if it is read as text, it is given as text. */
    public Column(String name, String type, ColumnKind kind, boolean bounded, String detail) {
      this(name, type, kind, bounded, detail, ScalarType.of(kind));
    }

    /** The same column, of which more is known. */
    Column with(ValueType known) {
      return new Column(name, type, kind, bounded, detail, known);
    }
  }

  /** The columns as an application sees them. */
  public List<ModelPreview.Column> preview() {
    List<ModelPreview.Column> result = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      ModelPreview.Role role =
          keyPositions.contains(i) ? ModelPreview.Role.KEY : ModelPreview.Role.VALUE;
      Column column = columns.get(i);
      result.add(
          new ModelPreview.Column(
              column.name(),
              column.type(),
              role,
              column.valueType().javaType(),
              column.valueType() == ScalarType.UNMAPPED));
    }
    return result;
  }

  /** Positions of the columns in the order in which they are read. */
  private List<Integer> readOrder() {
    return used.stream().sorted(Comparator.comparing(i -> columns.get(i).name())).toList();
  }

  /** How rows of the model are decoded. */
  public Shape rowShape() {
    List<Integer> order = readOrder();
    return Shape.of(
        used.stream().map(i -> columns.get(i).name()).toList(),
        used.stream().map(i -> columns.get(i).kind()).toList(),
        used.stream().map(i -> columns.get(i).valueType()).toList(),
        used.stream().map(order::indexOf).toList());
  }

  /** How keys are decoded. */
  public Shape keyShape() {
    List<Column> key = keyPositions.stream().map(columns::get).toList();
    return Shape.of(
        key.stream().map(Column::name).toList(),
        key.stream().map(Column::kind).toList(),
        IntStream.range(0, key.size()).boxed().toList());
  }

  /** Kinds of the fields, in the order in which they are read. */
  public List<ColumnKind> fieldKinds() {
    return readOrder().stream().map(i -> columns.get(i).kind()).toList();
  }

  /** Fields of the key, in the order of the key. */
  public int[] keyFields() {
    List<Integer> order = readOrder();
    return keyPositions.stream().mapToInt(order::indexOf).toArray();
  }

  /** Whether rows can be so large that they must be measured before they are read. */
  public boolean isMeasured() {
    return used.stream().anyMatch(i -> !columns.get(i).bounded());
  }

  /**
   * Names and types of everything that is compared; rows read under another fingerprint are other
   * rows.
   */
  public String fingerprint() {
    StringBuilder text =
        new StringBuilder("canonical form ").append(io.fulmar.internal.type.RowImage.VERSION);
    text.append("\nkey ").append(keyNames());
    for (int i : readOrder()) {
      Column column = columns.get(i);
      text.append('\n').append(column.name()).append('\0').append(column.type());
      text.append('\0').append(column.detail());
    }
    return text.toString();
  }

  private List<String> keyNames() {
    return keyPositions.stream().map(i -> columns.get(i).name()).toList();
  }

  /** The key's columns and the classes of types within which a key stays the same. */
  public String keySignature() {
    List<String> parts = new ArrayList<>();
    for (int i : keyPositions) {
      Column column = columns.get(i);
      String family =
          switch (column.kind()) {
            case INT2, INT4, INT8 -> "integer";
            case TEXT -> "text";
            case ENUM -> "enum " + column.type();
            default -> column.kind().name().toLowerCase(Locale.ROOT);
          };
      parts.add(column.name() + " " + family);
    }
    return String.join(", ", parts);
  }

  private static List<Identifier> aliases(int count) {
    return IntStream.range(0, count).mapToObj(i -> Identifier.of("c" + i)).toList();
  }

  /** The statement that reads all rows as binary COPY. */
  public String readSql(long maxRowBytes) {
    List<Identifier> aliases = aliases(columns.size());
    if (!isMeasured()) {
      return SourceSql.READ
          .with("model", query)
          .with("columns", aliases)
          .with("fields", fields(aliases))
          .sql();
    }
    List<Integer> unboundedColumns = used.stream().filter(i -> !columns.get(i).bounded()).toList();
    if (unboundedColumns.size() == 1 && !isReadAsText(columns.get(unboundedColumns.get(0)))) {
      return readMeasuringOne(aliases, unboundedColumns.get(0), maxRowBytes);
    }
    List<ColumnExpression> measured = new ArrayList<>(fields(aliases));
    List<Identifier> plain = new ArrayList<>();
    List<Identifier> asText = new ArrayList<>();
    List<Identifier> keys = new ArrayList<>();
    List<ColumnExpression> outside = new ArrayList<>();
    for (int i : readOrder()) {
      Column column = columns.get(i);
      if (column.bounded()) {
        outside.add(ColumnExpression.plain(aliases.get(i)));
        continue;
      }
      (isReadAsText(column) ? asText : plain).add(aliases.get(i));
      if (keyPositions.contains(i)) {
        keys.add(aliases.get(i));
        outside.add(ColumnExpression.alone(aliases.get(i), MAX_KEY_BYTES));
      } else {
        outside.add(ColumnExpression.within(aliases.get(i), BYTES, maxRowBytes));
      }
    }
    measured.add(ColumnExpression.bytes(plain, asText, keys, MAX_KEY_BYTES, BYTES));
    List<Identifier> unbounded = new ArrayList<>(plain);
    unbounded.addAll(asText);
    outside.add(ColumnExpression.digestBeyond(unbounded, BYTES, maxRowBytes));
    return SourceSql.READ_BOUNDED
        .with("model", query)
        .with("columns", aliases)
        .with("measured", measured)
        .with("fields", outside)
        .sql();
  }

  /** One column alone is measured where it stands, which spares the server a step for each row. */
  private String readMeasuringOne(List<Identifier> aliases, int measured, long maxRowBytes) {
    boolean key = keyPositions.contains(measured);
    long limit = key ? MAX_KEY_BYTES : maxRowBytes;
    List<ColumnExpression> fields = new ArrayList<>();
    for (int i : readOrder()) {
      Identifier alias = aliases.get(i);
      fields.add(
          i == measured ? ColumnExpression.alone(alias, limit) : ColumnExpression.plain(alias));
    }
    fields.add(
        key
            ? ColumnExpression.digestOfKeyAlone(aliases.get(measured), limit)
            : ColumnExpression.digestAlone(aliases.get(measured), limit));
    return SourceSql.READ
        .with("model", query)
        .with("columns", aliases)
        .with("fields", fields)
        .sql();
  }

  /** This model, of which only the keys are read that {@link SourceSession#keys} was given. */
  public ModelShape ofKeys() {
    List<Identifier> aliases = aliases(columns.size());
    String restricted =
        SourceSql.OF_KEYS
            .with("model", query)
            .with("columns", aliases)
            .with("key", keyPositions.stream().map(aliases::get).toList())
            .with("casts", keyCasts(false))
            .with("texts", keyTexts())
            .with("names", keyAliases())
            .sql();
    return new ModelShape(QueryText.proven(restricted), columns, keyPositions, used);
  }

  /** The statement that reads the keys that {@link SourceSession#keys} was given. */
  public String keysSql() {
    return SourceSql.KEYS.with("asked", askedKeys(true)).sql();
  }

  /** A query of the keys that {@link SourceSession#keys} was given, as values of their types. */
  public SqlPart askedKeys() {
    return askedKeys(false);
  }

  private SqlPart askedKeys(boolean asRead) {
    return SourceSql.ASKED
        .with("casts", keyCasts(asRead))
        .with("texts", keyTexts())
        .with("names", keyAliases());
  }

  private List<Identifier> keyAliases() {
    return IntStream.range(0, keyPositions.size()).mapToObj(i -> Identifier.of("k" + i)).toList();
  }

  private List<ColumnExpression> keyTexts() {
    return IntStream.range(0, keyPositions.size()).mapToObj(ColumnExpression::keyTexts).toList();
  }

  /** The columns of a key out of their texts. */
  private List<ColumnExpression> keyCasts(boolean asRead) {
    List<ColumnExpression> casts = new ArrayList<>();
    for (int i = 0; i < keyPositions.size(); i++) {
      Column column = columns.get(keyPositions.get(i));
      Identifier alias = Identifier.of("k" + i);
      casts.add(
          asRead && isReadAsText(column)
              ? ColumnExpression.castToText(alias, column.type())
              : ColumnExpression.cast(alias, column.type()));
    }
    return casts;
  }

  /** The statement that reads the first rows. */
  public String previewSql() {
    List<Identifier> aliases = aliases(columns.size());
    return SourceSql.PREVIEW
        .with("model", query)
        .with("columns", aliases)
        .with("fields", fields(aliases))
        .sql();
  }

  private List<ColumnExpression> fields(List<Identifier> aliases) {
    return readOrder().stream()
        .map(
            i ->
                isReadAsText(columns.get(i))
                    ? ColumnExpression.text(aliases.get(i), aliases.get(i))
                    : ColumnExpression.plain(aliases.get(i)))
        .toList();
  }

  /** JSON too: functions that measure it want text, and its text is its image. */
  private static boolean isReadAsText(Column column) {
    return column.kind().readAsText() || column.kind() == ColumnKind.JSON;
  }
}
