package io.fulmar.internal.source;

import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.type.ArrayType;
import io.fulmar.internal.type.CompositeType;
import io.fulmar.internal.type.MultirangeType;
import io.fulmar.internal.type.RangeType;
import io.fulmar.internal.type.ScalarType;
import io.fulmar.internal.type.ValueType;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the texts of the source's types mean, as its catalog has them: the elements of arrays, the
 * bounds of ranges, the attributes of composites, whatever they consist of in turn. Not threadsafe.
 */
final class ValueTypes {
  /** Types with more parts than this, theirs included, are given as text. */
  private static final int MOST_PARTS = 10_000;

  private final Map<Long, Entry> catalog = new HashMap<>();
  private final Map<Long, Counted> types = new HashMap<>();

  private ValueTypes() {}

  /** A row of the catalog. */
  private record Entry(
      char form, char typtype, String extensionType, char delimiter, List<Part> parts) {}

  private record Part(String name, long oid) {}

  private record Counted(ValueType type, int parts) {}

  /**
   * Reads the catalog, unless nothing is asked for.
   *
   * @param connection in the transaction of the snapshot
   * @param oids of types that are no domains
   */
  static ValueTypes read(Connection connection, Collection<Long> oids) throws SQLException {
    ValueTypes types = new ValueTypes();
    if (oids.isEmpty()) {
      return types;
    }
    try (PreparedStatement statement = OneShot.prepare(connection, SourceSql.VALUE_TYPES.sql())) {
      Array asked = connection.createArrayOf("int8", oids.toArray());
      statement.setArray(1, asked);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          types.catalog.put(rows.getLong(1), entry(rows));
        }
      }
      asked.free();
    }
    return types;
  }

  private static Entry entry(ResultSet row) throws SQLException {
    Long[] oids = (Long[]) row.getArray(6).getArray();
    String[] names = (String[]) row.getArray(7).getArray();
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < oids.length; i++) {
      parts.add(new Part(names[i], oids[i]));
    }
    return new Entry(
        row.getString(2).charAt(0),
        row.getString(3).charAt(0),
        row.getString(4),
        row.getString(5).charAt(0),
        parts);
  }

  /** The meaning of one of the types that were asked for. */
  ValueType of(long oid) {
    return counted(oid).type;
  }

  private Counted counted(long oid) {
    Counted known = types.get(oid);
    if (known == null) {
      known = make(oid);
      if (known.parts > MOST_PARTS) {
        known = new Counted(ScalarType.UNMAPPED, 1);
      }
      types.put(oid, known);
    }
    return known;
  }

  private Counted make(long oid) {
    Entry entry = catalog.get(oid);
    if (entry == null) {
      return new Counted(ScalarType.UNMAPPED, 1);
    }
    List<Counted> parts = entry.parts.stream().map(part -> counted(part.oid)).toList();
    int count = 1;
    for (Counted part : parts) {
      count += part.parts; // at most 1,600 times MOST_PARTS
    }
    ValueType type =
        switch (entry.form) {
          case 'd' -> parts.get(0).type;
          case 'a' -> new ArrayType(parts.get(0).type, entry.delimiter);
          case 'r' -> new RangeType(parts.get(0).type);
          case 'm' -> multirange(parts.get(0).type);
          case 'c' ->
              new CompositeType(
                  entry.parts.stream().map(Part::name).toList(),
                  parts.stream().map(Counted::type).toList());
          default -> ScalarType.of((int) oid, entry.typtype, entry.extensionType);
        };
    return new Counted(type, count);
  }

  /** Its range has only one part more than its bound, so it is a range unless that is too large. */
  private static ValueType multirange(ValueType range) {
    return range instanceof RangeType known ? new MultirangeType(known) : ScalarType.UNMAPPED;
  }
}
