package io.fulmar.internal.type;

import io.fulmar.Interval;
import io.fulmar.SpecialValue;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.util.HexFormat;
import java.util.Map;

/** The types without parts. This enum is threadsafe. */
public enum ScalarType implements ValueType {
  /** bool. */
  BOOLEAN(Boolean.class),
  /** int2 and int4. */
  INTEGER(Integer.class),
  /** int8 and oid. */
  LONG(Long.class),
  /** float4. */
  FLOAT(Float.class),
  /** float8. */
  DOUBLE(Double.class),
  /** numeric. */
  DECIMAL(BigDecimal.class),
  /** money, as it is printed at lc_monetary C. */
  MONEY(BigDecimal.class),
  /** bytea. */
  BYTES(byte[].class),
  /** date. */
  DATE(LocalDate.class),
  /** time. */
  TIME(LocalTime.class),
  /** timetz. */
  TIMETZ(OffsetTime.class),
  /** timestamp. */
  TIMESTAMP(LocalDateTime.class),
  /** timestamptz. */
  TIMESTAMPTZ(OffsetDateTime.class),
  /** interval. */
  INTERVAL(Interval.class),
  /** uuid. */
  UUID(java.util.UUID.class),
  /** hstore. */
  HSTORE(Map.class),
  /** Whatever is documented to be given as text. */
  TEXT(String.class),
  /** Whatever else there is, given as text for want of anything better. */
  UNMAPPED(String.class);

  private final Class<?> javaType;

  ScalarType(Class<?> javaType) {
    this.javaType = javaType;
  }

  /** That of a kind; of {@link ColumnKind#OTHER} nothing is known. */
  public static ScalarType of(ColumnKind kind) {
    return switch (kind) {
      case BOOL -> BOOLEAN;
      case INT2, INT4 -> INTEGER;
      case INT8 -> LONG;
      case FLOAT4 -> FLOAT;
      case FLOAT8 -> DOUBLE;
      case NUMERIC -> DECIMAL;
      case BYTEA -> BYTES;
      case DATE -> DATE;
      case TIME -> TIME;
      case TIMETZ -> TIMETZ;
      case TIMESTAMP -> TIMESTAMP;
      case TIMESTAMPTZ -> TIMESTAMPTZ;
      case UUID -> UUID;
      case TEXT, JSON, BPCHAR, INET, CIDR, MACADDR, MACADDR8, ENUM -> TEXT;
      case OTHER -> UNMAPPED;
    };
  }

  /**
   * That of a type that is neither domain nor made of parts.
   *
   * @param typeOid {@code pg_type.oid}
   * @param typtype {@code pg_type.typtype}
   * @param extensionType the name of a type that belongs to an extension of the same name, else
   *     empty
   */
  public static ScalarType of(int typeOid, char typtype, String extensionType) {
    ColumnKind kind = ColumnKind.of(typeOid, typtype);
    if (kind != ColumnKind.OTHER) {
      return of(kind);
    }
    return switch (typeOid) {
      case 18, 142, 3614, 3615, 3802, 4072 -> TEXT; // "char", xml, tsvector, tsquery, json*
      case 600, 601, 602, 603, 604, 628, 718 -> TEXT; // geometric
      case 1560, 1562 -> TEXT; // bit strings: digits of 0 and 1
      case 26 -> LONG;
      case 790 -> MONEY;
      case 1186 -> INTERVAL;
      default ->
          switch (extensionType) {
            case "hstore" -> HSTORE;
            case "citext" -> TEXT;
            default -> UNMAPPED;
          };
    };
  }

  @Override
  public Class<?> javaType() {
    return javaType;
  }

  @Override
  public Object parse(String text) {
    return switch (this) {
      case BOOLEAN -> bool(text);
      case INTEGER -> Integer.valueOf(text);
      case LONG -> Long.valueOf(text);
      case FLOAT -> Float.valueOf(text);
      case DOUBLE -> Double.valueOf(text);
      case DECIMAL -> decimal(text);
      case MONEY -> new BigDecimal(text.replace("$", "").replace(",", ""));
      case BYTES -> bytes(text);
      case DATE -> Temporal.parseDate(text);
      case TIME -> LocalTime.parse(text);
      case TIMETZ -> OffsetTime.parse(text, Temporal.TIMETZ);
      case TIMESTAMP -> Temporal.parseTimestamp(text);
      case TIMESTAMPTZ -> Temporal.parseTimestamptz(text);
      case INTERVAL -> IntervalText.value(text);
      case UUID -> java.util.UUID.fromString(text);
      case HSTORE -> HstoreText.value(text);
      case TEXT, UNMAPPED -> text;
    };
  }

  private static boolean bool(String text) {
    return switch (text) {
      case "t", "true" -> true;
      case "f", "false" -> false;
      default -> throw new IllegalArgumentException("no boolean");
    };
  }

  /** NaN and the infinities end in a letter. */
  private static Object decimal(String text) {
    boolean finite = !text.isEmpty() && text.charAt(text.length() - 1) <= '9';
    return finite ? new BigDecimal(text) : new SpecialValue(text);
  }

  private static byte[] bytes(String text) {
    if (!text.startsWith("\\x")) {
      throw new IllegalArgumentException("no bytea in hex");
    }
    return HexFormat.of().parseHex(text, 2, text.length());
  }

  @Override
  public void encode(StringBuilder code) {
    code.append(name()).append(';');
  }
}
